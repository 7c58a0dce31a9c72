import { keyId } from '@consilium/identity';
import type { SiteEvent } from '@consilium/ledger';
import type { Digest } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { keyOf } from '../keys.fixture.js';
import { endsOf, signingTerms } from './key-terms.js';

const [first, second, third] = [keyOf('first'), keyOf('second'), keyOf('third')];
const some = 'a'.repeat(64) as Digest;
const opened: SiteEvent = { type: 'shard.opened', year: 2026, predecessor: null, reason: 'year', lost: 0 };
const enrolled: SiteEvent = { type: 'identity.enrolled', signing: keyId(first.publicKey), root: some, roster: some };
const rekeyed = (key = second): SiteEvent => ({ type: 'identity.rekeyed', signing: keyId(key.publicKey) });
const other: SiteEvent = { type: 'alert', kind: 'clock' };
const ORIGINS = ['lung/site/berlin/2026', 'lung/site/berlin/2027'];
const at = (shard: number, size: number) => ({ origin: ORIGINS[shard] ?? 'another', size, root: new Uint8Array(32) });

const past = [opened, enrolled, other, rekeyed(), other, opened, other, rekeyed(third), other];
const [present, of1, of2] = signingTerms(
  { signing: third, formerKeys: [first.publicKey, second.publicKey] },
  past,
  ORIGINS,
);

describe('the keys of a site that was rekeyed', () => {
  it('each end where the log says that another took over', () => {
    expect([...endsOf(past)]).toEqual([
      [keyId(first.publicKey), { shard: 0, size: 4 }],
      [keyId(second.publicKey), { shard: 1, size: 3 }],
    ]);
  });

  it.each([
    [0, 1, true, true],
    [0, 4, true, true],
    [0, 5, false, true],
    [1, 1, false, true],
    [1, 3, false, true],
    [1, 4, false, false],
    [2, 1, false, false],
  ])('may have signed shard %i at size %i: the first key %s, the second %s', (shard, size, firstMay, secondMay) => {
    expect(of1!.maySign(at(shard, size))).toBe(firstMay);
    expect(of2!.maySign(at(shard, size))).toBe(secondMay);
    expect(present!.maySign(at(shard, size))).toBe(true);
  });

  it('end here and now where the rekeying was cut short before its entry', () => {
    const [, former] = signingTerms(
      { signing: second, formerKeys: [first.publicKey] },
      [opened, enrolled, other],
      ORIGINS,
    );
    expect([3, 4].map((size) => former!.maySign(at(0, size)))).toEqual([true, false]);
  });

  it('are one, without an end, where there was no rekeying', () => {
    const terms = signingTerms({ signing: first, formerKeys: [] }, [opened, enrolled], ORIGINS);
    expect(terms.map(({ key }) => key)).toEqual([first.publicKey]);
    expect(terms[0]!.maySign(at(1, 1_000))).toBe(true);
  });
});
