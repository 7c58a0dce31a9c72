import { siteName } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatInterval, intervalOf, isImplausible } from './times.js';

const site = siteName('berlin');
const cosigned = (size: number, at: number, year = 2026) => ({ site, year, size, at });
const entry = (index: number, at = 0) => ({ year: 2026, index, at });

describe('when an entry was made', () => {
  it('is after the last cosignature without it and before the first with it', () => {
    const all = [cosigned(1, 10), cosigned(3, 30), cosigned(5, 50), cosigned(7, 70)];
    expect(intervalOf(entry(3, 45), all)).toEqual({ notBefore: 30, notAfter: 50, claimed: 45 });
    expect(intervalOf(entry(0), all)).toMatchObject({ notBefore: null, notAfter: 10 });
    expect(intervalOf(entry(7), all)).toMatchObject({ notBefore: 70, notAfter: null });
    expect(intervalOf(entry(0), [])).toMatchObject({ notBefore: null, notAfter: null });
  });

  it('is told by witnesses of the same year’s log only', () => {
    expect(intervalOf(entry(0), [cosigned(5, 10, 2025)])).toMatchObject({ notAfter: null });
  });

  it('is not moved by a witness that cosigns an older state late', () => {
    const interval = intervalOf(entry(3), [cosigned(3, 30), cosigned(5, 50), cosigned(2, 90)]);
    expect(interval).toMatchObject({ notBefore: 30, notAfter: 50 });
  });

  it('is an interval in order, whatever the witnesses say', () => {
    const any = fc.array(fc.record({ size: fc.nat(20), at: fc.nat(1000) }), { maxLength: 20 });
    fc.assert(
      fc.property(any, fc.nat(20), (all, index) => {
        const { notBefore, notAfter } = intervalOf(
          entry(index),
          all.map(({ size, at }) => cosigned(size, at)),
        );
        if (notBefore !== null && notAfter !== null) expect(notBefore).toBeLessThanOrEqual(notAfter);
      }),
    );
  });

  it('is claimed implausibly when the witnesses contradict by more than five minutes', () => {
    const minutes = (n: number): number => n * 60_000;
    const interval = (claimed: number) => ({
      notBefore: minutes(60),
      notAfter: minutes(70),
      claimed: minutes(claimed),
    });
    expect([54, 55, 65, 75, 76].map((claimed) => isImplausible(interval(claimed)))).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
    expect(isImplausible({ notBefore: null, notAfter: null, claimed: 0 })).toBe(false);
  });

  it('is written as people read it', () => {
    const at = Date.UTC(2026, 10, 25, 3, 4, 5);
    expect(formatInterval({ notBefore: at, notAfter: at + 4000, claimed: 0 })).toBe(
      '2026-11-25 03:04:05 – 03:04:09 UTC',
    );
    expect(formatInterval({ notBefore: at, notAfter: at + 86_400_000, claimed: 0 })).toBe(
      '2026-11-25 03:04:05 – 2026-11-26 03:04:05 UTC',
    );
    expect(formatInterval({ notBefore: null, notAfter: at, claimed: 0 })).toBe('before 2026-11-25 03:04:05 UTC');
    expect(formatInterval({ notBefore: at, notAfter: null, claimed: 0 })).toBe('after 2026-11-25 03:04:05 UTC');
    expect(formatInterval({ notBefore: null, notAfter: null, claimed: at })).toBe(
      '2026-11-25 03:04:05 UTC (claimed, not witnessed)',
    );
  });
});
