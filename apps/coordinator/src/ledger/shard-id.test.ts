import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shardAt, shardName, shardOf, yearOfShard } from './shard-id.js';

it('a shard’s name and number are each other’s, and later shards have larger numbers', () => {
  const ids = fc.tuple(fc.integer({ min: 2000, max: 9999 }), fc.integer({ min: 1, max: 999 }));
  fc.assert(
    fc.property(ids, ids, ([year, part], [otherYear, otherPart]) => {
      const [id, other] = [year * 1000 + part, otherYear * 1000 + otherPart];
      expect(shardOf(shardName(id))).toBe(id);
      expect(yearOfShard(id)).toBe(year);
      expect(id < other).toBe(year < otherYear || (year === otherYear && part < otherPart));
    }),
  );
});

it('a shard is named by the UTC year, to the millisecond', () => {
  expect(shardName(shardAt(Date.UTC(2027, 0, 1)))).toBe('2027');
  expect(shardName(shardAt(Date.UTC(2027, 0, 1) - 1))).toBe('2026');
});

it.each(['', '26', '2026-', '2026-0', '2026-1', '2026-01', '2026-1000', '02026', '2026/', '2026-2 '])(
  '%j is no shard’s name',
  (name) => expect(shardOf(name)).toBeUndefined(),
);
