import { digest, siteName } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { Findings } from '../findings.js';
import { parseOrigin, witnessName } from './history.js';
import type { AnyShard } from './read-shard.js';
import { joinShards } from './shards.js';
import type { Policy } from '@consilium/identity';

const policy = { federation: 'lung' } as Policy;
const ROOT = digest('a'.repeat(64));
const OTHER = digest('b'.repeat(64));
const berlin = siteName('berlin');

type Opening = { predecessor: { size: number; root: string } | null; reason?: string; lost?: number };

/** A year's log, of which only the first entry matters here. */
function shard(origin: string, size: number, { predecessor, reason = 'first', lost = 0 }: Opening): AnyShard {
  const { year, part } = parseOrigin(origin)!;
  const opened = { type: 'shard.opened', ref: `${origin}#0`, year, predecessor, reason, lost };
  return { origin, year, part, size, root: ROOT, records: [opened] } as unknown as AnyShard;
}

function join(...shards: AnyShard[]): { codes: string[]; found: Findings; histories: ReturnType<typeof joinShards> } {
  const found = new Findings();
  const byOwner = new Map<string, AnyShard[]>([
    ['lung/site/berlin', [shard('lung/site/berlin/2026', 1, { predecessor: null })]],
  ]);
  for (const one of shards) {
    const { federation, owner } = parseOrigin(one.origin)!;
    const name = witnessName(federation, owner);
    byOwner.set(name, [...(byOwner.get(name) ?? []), one]);
  }
  const histories = joinShards({ shards: byOwner, broken: new Set() }, policy, [berlin], found);
  return { codes: found.list.map(({ code }) => code), found, histories };
}

const first = shard('lung/coordinator/2026', 9, { predecessor: null });

describe('logs over the years', () => {
  it('are one history when each begins where the one before ended', () => {
    const next = shard('lung/coordinator/2027', 4, { predecessor: { size: 9, root: ROOT }, reason: 'year' });
    const { codes, histories } = join(first, next);
    expect(codes).toEqual([]);
    expect(histories.coordinator!.records).toHaveLength(2);
  });

  it.each([
    ['another root', { size: 9, root: OTHER }],
    ['another length', { size: 8, root: ROOT }],
    ['nothing', null],
  ])('are broken where one begins with %s', (_, predecessor) => {
    expect(join(first, shard('lung/coordinator/2027', 4, { predecessor, reason: 'year' })).codes).toEqual([
      'SHARD_BROKEN',
    ]);
  });

  it('are missed where one names a year before that is not there', () => {
    const late = shard('lung/coordinator/2027', 4, { predecessor: { size: 9, root: ROOT }, reason: 'year' });
    expect(join(late).codes).toEqual(['LOG_MISSING']);
  });

  it('tell of a restore, and of what was lost in it', () => {
    const restored = (lost: number) =>
      shard('lung/coordinator/2026-2', 4, { predecessor: { size: 9, root: ROOT }, reason: 'restore', lost });
    expect(join(first, restored(0)).codes).toEqual([]);
    const { codes, found } = join(first, restored(3));
    expect(codes).toEqual(['LOG_RESTORED']);
    expect(found.list[0]!.found).toBe('3 entries lost');
  });

  it('are broken where a second log of one year is no restore, or a restore is none', () => {
    const again = shard('lung/coordinator/2026-2', 4, { predecessor: { size: 9, root: ROOT }, reason: 'year' });
    expect(join(first, again).codes).toEqual(['SHARD_BROKEN']);
    const claimed = shard('lung/coordinator/2027', 4, { predecessor: { size: 9, root: ROOT }, reason: 'restore' });
    expect(join(first, claimed).codes).toEqual(['SHARD_BROKEN']);
  });

  it('are named where an owner has none, but not twice where they are broken', () => {
    const found = new Findings();
    const broken = new Set(['lung/coordinator']);
    expect(joinShards({ shards: new Map(), broken }, policy, [berlin], found).coordinator).toBeUndefined();
    expect(found.list).toMatchObject([{ code: 'LOG_MISSING', expected: 'the log of lung/site/berlin' }]);
  });
});

describe('an origin', () => {
  it('says whose log it is, of which year, and which of that year’s', () => {
    expect(parseOrigin('lung/coordinator/2026')).toEqual({
      federation: 'lung',
      owner: { kind: 'coordinator' },
      year: 2026,
      part: 1,
    });
    expect(parseOrigin('lung/site/berlin/2026-2')).toMatchObject({ owner: { kind: 'site', site: 'berlin' }, part: 2 });
  });

  it.each([
    'lung',
    'lung/coordinator',
    'lung/coordinator/26',
    'lung/site/2026',
    'Lung/coordinator/2026',
    'a/b/coordinator/2026',
  ])('is none: %s', (text) => {
    expect(parseOrigin(text)).toBeUndefined();
  });
});
