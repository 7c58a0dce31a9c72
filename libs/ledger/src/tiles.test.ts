import { Fault, InvariantError } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeEntryBundle,
  encodeEntryBundle,
  entryBundles,
  hashTiles,
  isLogPath,
  tilePath,
  type Tile,
} from './tiles.js';

const shapeOf = (tiles: readonly Tile[], level: Tile['level']): [number, number][] => {
  const row = tiles.filter((tile) => tile.level === level);
  return [row.filter(({ width }) => width === 256).length, row.find(({ width }) => width < 256)?.width ?? 0];
};

describe('paths of tiles', () => {
  it.each([
    [0, 0, 256, 'tile/0/000'],
    [1, 999, 256, 'tile/1/999'],
    [0, 1000, 256, 'tile/0/x001/000'],
    [0, 1234067, 256, 'tile/0/x001/x234/067'],
    [0, 273, 112, 'tile/0/273.p/112'],
    ['entries', 1067, 1, 'tile/entries/x001/067.p/1'],
  ] as const)('level %s, index %i, width %i is %s', (level, index, width, path) => {
    expect(tilePath(level, index, width)).toBe(path);
    expect(isLogPath(path)).toBe(true);
  });

  it('are the only ones that a log has, so that nobody walks out of its folder', () => {
    expect(isLogPath('checkpoint')).toBe(true);
    for (const path of [
      '',
      '/checkpoint',
      '../checkpoint',
      'checkpoint/..',
      'tile/0/../../../key',
      'tile/8/000',
      'tile/00/000',
      'tile/0/0000',
      'tile/0/000.p/0',
      'tile/0/000.p/1/..',
      'tile/0/000\n',
      'tile/0/x00/000',
      'tile/other/000',
    ])
      expect(isLogPath(path)).toBe(false);
  });

  it('name tiles that can be', () => {
    for (const [index, width] of [
      [-1, 1],
      [0.5, 1],
      [0, 0],
      [0, 257],
    ] as const)
      expect(() => tilePath(0, index, width)).toThrow(InvariantError);
  });
});

describe('the tiles of a log', () => {
  it('are, for 70,000 entries, those of the specification’s example', () => {
    const tiles = hashTiles(70_000);
    expect([0, 1, 2, 3].map((level) => shapeOf(tiles, level))).toEqual([
      [273, 112],
      [1, 17],
      [0, 1],
      [0, 0],
    ]);
    expect(shapeOf(entryBundles(70_000), 'entries')).toEqual([273, 112]);
  });

  it('are, for 256 entries, a full one and a partial one of width 1 above it', () => {
    const tiles = hashTiles(256);
    expect([0, 1].map((level) => shapeOf(tiles, level))).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(hashTiles(0)).toEqual([]);
  });

  it('are, when it grows, what it did not have before', () => {
    const keyOf = ({ level, index, width }: Tile): string => tilePath(level, index, width);
    const all = (size: number): Set<string> => new Set([...hashTiles(size), ...entryBundles(size)].map(keyOf));
    fc.assert(
      fc.property(fc.nat(140_000), fc.nat(2000), (oldSize, grown) => {
        const size = oldSize + grown;
        const fresh = new Set([...hashTiles(size, oldSize), ...entryBundles(size, oldSize)].map(keyOf));
        const before = all(oldSize);
        expect(fresh).toEqual(new Set([...all(size)].filter((path) => !before.has(path))));
      }),
      { numRuns: 50 },
    );
  });
});

describe('bundles of entries', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 }), (entries) => {
        expect(decodeEntryBundle(encodeEntryBundle(entries), entries.length)).toEqual(entries);
      }),
    );
  });

  it('have a length of two bytes, big end first, before each entry', () => {
    expect(encodeEntryBundle([Uint8Array.of(7), new Uint8Array(258)]).slice(0, 5)).toEqual(
      Uint8Array.of(0, 1, 7, 1, 2),
    );
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow(InvariantError);
  });

  it('hold exactly as many entries as they should: a bundle cut anywhere, or with a byte more, is corrupt', () => {
    const bundle = encodeEntryBundle([Uint8Array.of(1, 2, 3), Uint8Array.of(), Uint8Array.of(4)]);
    const corrupt = (bytes: Uint8Array, width = 3): boolean => {
      try {
        decodeEntryBundle(bytes, width);
        return false;
      } catch (error) {
        return Fault.is(error, 'LEDGER_CORRUPT');
      }
    };
    expect(corrupt(bundle)).toBe(false);
    for (let length = 0; length < bundle.byteLength; length++) expect(corrupt(bundle.subarray(0, length))).toBe(true);
    expect(corrupt(Uint8Array.from([...bundle, 0]))).toBe(true);
    expect([corrupt(bundle, 2), corrupt(bundle, 4)]).toEqual([true, true]);
  });
});
