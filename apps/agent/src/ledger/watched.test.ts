import type { SiteEvent } from '@consilium/ledger';
import { digest } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { Watched } from './watched.js';

const root = (letter: string) => digest(letter.repeat(64));
const cosigned = (size: number, letter = 'a', year = 2026): SiteEvent => ({
  type: 'witness.cosigned',
  year,
  size,
  root: root(letter),
});
const after = (...events: SiteEvent[]): Watched => {
  const watched = new Watched();
  for (const event of events) watched.follow(event);
  return watched;
};

describe('what a site has seen of the coordinator’s log', () => {
  it('is nothing at first', () => {
    expect(after().last).toBeNull();
    expect(after().hasCosigned({ year: 2026, size: 1, root: root('a') })).toBe(false);
  });

  it('is the largest checkpoint, and each before it with its very root', () => {
    const watched = after(cosigned(3, 'a'), cosigned(5, 'b'));
    expect(watched.last).toEqual({ year: 2026, size: 5, root: root('b') });
    expect(watched.hasCosigned({ year: 2026, size: 3, root: root('a') })).toBe(true);
    expect(watched.hasCosigned({ year: 2026, size: 3, root: root('b') })).toBe(false);
    expect(watched.hasCosigned({ year: 2026, size: 4, root: root('a') })).toBe(false);
    expect(watched.hasCosigned({ year: 2025, size: 3, root: root('a') })).toBe(false);
  });

  it('begins anew with the shard of the next year', () => {
    const watched = after(cosigned(100, 'a'), cosigned(1, 'b', 2027));
    expect(watched.last).toEqual({ year: 2027, size: 1, root: root('b') });
    expect(watched.hasCosigned({ year: 2026, size: 100, root: root('a') })).toBe(false);
  });

  it('stays refused until the operator says otherwise, and then starts from what is shown next', () => {
    const refused = after(cosigned(3), { type: 'witness.refused', code: 'LEDGER_FORKED', size: 3 });
    expect(refused.refused).toBe('LEDGER_FORKED');
    refused.follow({ type: 'witness.resumed', by: 'operator' });
    expect([refused.refused, refused.last]).toEqual([null, null]);
    expect(refused.hasCosigned({ year: 2026, size: 3, root: root('a') })).toBe(false);
  });

  it('forgets the oldest of very many, and never the newest', () => {
    const watched = new Watched();
    for (let size = 1; size <= 5000; size++) watched.follow(cosigned(size));
    expect(watched.hasCosigned({ year: 2026, size: 5000, root: root('a') })).toBe(true);
    expect(watched.hasCosigned({ year: 2026, size: 905, root: root('a') })).toBe(true);
    expect(watched.hasCosigned({ year: 2026, size: 904, root: root('a') })).toBe(false);
  });
});
