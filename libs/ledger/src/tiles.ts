import { Fault, invariant } from '@consilium/stdx';

/**
 * A log as files (C2SP tlog-tiles): `checkpoint`; `tile/<level>/<n>`, 256 hashes side by side; `tile/entries/<n>`, the
 * 256 entries below a tile of level 0. The last of each row may be partial, and then its path ends in `.p/<width>`.
 */
export const TILE_WIDTH = 256;
/** Eight levels of the tree lie between one level of tiles and the next. */
export const TILE_HEIGHT = 8;
export const CHECKPOINT_PATH = 'checkpoint';

export type TileLevel = number | 'entries';

export interface Tile {
  readonly level: TileLevel;
  /** Its place in the row, from 0. */
  readonly index: number;
  /** How many hashes or entries it has, 1–256. */
  readonly width: number;
}

/** Where a tile lies: 1234067 becomes `x001/x234/067`, so that no folder has more than 1000 names. */
export function tilePath(level: TileLevel, index: number, width = TILE_WIDTH): string {
  invariant(Number.isSafeInteger(index) && index >= 0, 'a tile’s index is an integer');
  invariant(width >= 1 && width <= TILE_WIDTH, 'a tile is 1–256 wide');
  const groups: string[] = [];
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(`${groups.length === 0 ? '' : 'x'}${String(rest % 1000).padStart(3, '0')}`);
  const partial = width === TILE_WIDTH ? '' : `.p/${width}`;
  return `tile/${level}/${groups.join('/')}${partial}`;
}

/** Whether a path is one that `tilePath` makes, or `checkpoint`: what a folder of a log may be asked for. */
export const isLogPath = (path: string): boolean =>
  path === CHECKPOINT_PATH || /^tile\/(?:entries|[0-7])\/(?:x\d{3}\/){0,4}\d{3}(?:\.p\/[1-9]\d{0,2})?$/.test(path);

/** All tiles of hashes of a log with `size` entries, or those that growing from `oldSize` makes new. */
export function hashTiles(size: number, oldSize = 0): Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0; ; level++) {
    const [count, oldCount] = [nodesAt(level, size), nodesAt(level, oldSize)];
    if (count === 0) return tiles;
    tiles.push(...row(level, count, oldCount));
  }
}

/** The same for the bundles of entries. */
export const entryBundles = (size: number, oldSize = 0): Tile[] => row('entries', size, oldSize);

const nodesAt = (level: number, size: number): number => Math.floor(size / TILE_WIDTH ** level);

function row(level: TileLevel, count: number, oldCount: number): Tile[] {
  const tiles: Tile[] = [];
  if (count === oldCount) return tiles;
  for (let index = Math.floor(oldCount / TILE_WIDTH); index * TILE_WIDTH < count; index++)
    tiles.push({ level, index, width: Math.min(TILE_WIDTH, count - index * TILE_WIDTH) });
  return tiles;
}

/** A bundle: each entry behind its length as an unsigned 16-bit big-endian integer. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bundle = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.byteLength, 0));
  const view = new DataView(bundle.buffer);
  let offset = 0;
  for (const entry of entries) {
    invariant(entry.byteLength <= 0xffff, 'an entry is at most 65,535 bytes long');
    view.setUint16(offset, entry.byteLength);
    bundle.set(entry, offset + 2);
    offset += 2 + entry.byteLength;
  }
  return bundle;
}

/** The `width` entries of a bundle, as views of its bytes. LEDGER_CORRUPT unless they fill it exactly. */
export function decodeEntryBundle(bundle: Uint8Array, width: number): Uint8Array[] {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (entries.length < width) {
    const end = offset + 2 <= bundle.byteLength ? offset + 2 + view.getUint16(offset) : Infinity;
    if (end > bundle.byteLength) throw new Fault('LEDGER_CORRUPT', { what: 'bundle cut off', entries: entries.length });
    entries.push(bundle.subarray(offset + 2, end));
    offset = end;
  }
  if (offset !== bundle.byteLength) throw new Fault('LEDGER_CORRUPT', { what: 'bundle too long', expected: offset });
  return entries;
}
