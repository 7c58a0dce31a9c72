import { expect, it } from 'vitest';
import { isJurisdiction } from './index.js';

const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const PAIRS = LETTERS.flatMap((a) => LETTERS.map((b) => a + b));

it('there are 249 countries, as ISO 3166-1 assigns them', () => {
  expect(PAIRS.filter(isJurisdiction)).toHaveLength(249);
});

it('each of them is a region that Unicode’s data know too', () => {
  const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
  expect(PAIRS.filter(isJurisdiction).filter((code) => names.of(code) === undefined)).toEqual([]);
});

it.each(['EU', 'UK', 'XK', 'ZZ', 'AA', 'de', 'DEU', '', 'constructor'])('%s is none', (code) => {
  expect(isJurisdiction(code)).toBe(false);
});
