import { seededRandom, type SeededRandom } from '@consilium/stdx';
import type { Bundle } from '../bundle/bundle.js';

export interface Flip {
  readonly path: string;
  /** Counted from the lowest bit of the first byte. */
  readonly bit: number;
}

/**
 * Random single bits of a bundle's files. Every other one is drawn from a file drawn first, so that small files such as
 * checkpoints are hit as well as large ones; the rest are drawn from all bits alike.
 */
export async function randomFlips(bundle: Bundle, count: number, seed: number): Promise<readonly Flip[]> {
  const { integer } = seededRandom('flips', seed);
  const sizes = await Promise.all(bundle.paths.map(async (path) => (await bundle.read(path))!.byteLength));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return Array.from({ length: count }, (_, i) => {
    const file = i % 2 === 0 ? integer(sizes.length) : fileAt(sizes, integer(total));
    return { path: bundle.paths[file]!, bit: bitOf(sizes[file]!, integer) };
  });
}

const bitOf = (bytes: number, integer: SeededRandom['integer']): number => integer(bytes) * 8 + integer(8);

function fileAt(sizes: readonly number[], offset: number): number {
  let rest = offset;
  return sizes.findIndex((size) => (rest -= size) < 0);
}

/** The bundle with one bit changed; all other files are the same objects. */
export async function flipped(bundle: Bundle, { path, bit }: Flip): Promise<Bundle> {
  const bytes = (await bundle.read(path))!.slice();
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  return { paths: bundle.paths, read: async (other) => (other === path ? bytes : bundle.read(other)) };
}
