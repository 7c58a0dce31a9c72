import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, count, countdown, duration, measure, percent, utc } from './numbers.js';

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [999, '999 B'],
    [1_000, '1.00 kB'],
    [1_254_000, '1.25 MB'],
    [12_540_000, '12.5 MB'],
    [117_000, '117 kB'],
    [999_400, '999 kB'],
    [999_500, '1.00 MB'],
    [9_994, '9.99 kB'],
    [9_996, '10.0 kB'],
    [3_200_000_000_000, '3.20 TB'],
  ])('%i is %s', (given, text) => {
    expect(bytes(given)).toBe(text);
  });

  it('never takes more than seven columns below a thousand terabytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_000_000_000_000 }), (n) => {
        expect(bytes(n).length).toBeLessThanOrEqual(7);
      }),
    );
  });
});

describe('durations', () => {
  it.each([
    [0, '0.0 s'],
    [412, '0.4 s'],
    [12_340, '12.3 s'],
    [59_949, '59.9 s'],
    [59_960, '1 min 00 s'],
    [125_000, '2 min 05 s'],
    [3_725_000, '1 h 02 min'],
  ])('%i ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it('count down without changing their width at each second', () => {
    expect([42_000, 41_001, 40_999].map(countdown)).toEqual(['0:42', '0:42', '0:41']);
    expect(countdown(725_000)).toBe('12:05');
    expect(countdown(3_725_000)).toBe('1:02:05');
    expect(countdown(-5)).toBe('0:00');
  });
});

describe('measures', () => {
  it('have three decimals', () => {
    expect(measure(0.8314)).toBe('0.831');
    expect(measure(1)).toBe('1.000');
  });

  it('are a dash where undefined', () => {
    for (const nothing of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) expect(measure(nothing)).toBe('–');
  });
});

describe('shares and counts', () => {
  it('a share is full only when all is done', () => {
    expect(percent(0.999)).toBe('99 %');
    expect(percent(1)).toBe('100 %');
    expect(percent(-1)).toBe('0 %');
  });

  it('one is singular', () => {
    expect(count(1, 'site')).toBe('1 site');
    expect(count(0, 'site')).toBe('0 sites');
    expect(count(2, 'pass', 'passes')).toBe('2 passes');
  });

  it('times are UTC in ISO 8601', () => {
    expect(utc(0)).toBe('1970-01-01T00:00:00Z');
    expect(utc(1_700_000_000_999)).toBe('2023-11-14T22:13:20Z');
  });
});
