import { sha256 } from '@noble/hashes/sha2.js';
import { utf8 } from './bytes.js';

/**
 * A reproducible stream of numbers for shuffling, initial weights and phantoms: same label and seed, same numbers on
 * every machine. Never for keys, masks or privacy noise, which come from the system's secure source.
 */
export interface SeededRandom {
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
  /** Standard normal (Box–Muller). */
  normal(): number;
  /** The indices 0 … n−1 in random order (Fisher–Yates). */
  permutation(n: number): Uint32Array;
}

/** sfc32 (Doty-Humphrey, PractRand) seeded with SHA-256 of the labels, so that streams of different labels are independent. */
export function seededRandom(...labels: readonly (string | number)[]): SeededRandom {
  const seed = new DataView(sha256(utf8(JSON.stringify(labels))).buffer);
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => seed.getUint32(at, true)) as [number, number, number, number];

  const next = (): number => {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) next();

  const uniform = (): number => next() / 2 ** 32;
  const integer = (bound: number): number => Math.floor(uniform() * bound);
  let spare: number | undefined;
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const permutation = (n: number): Uint32Array => {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = integer(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  };
  return { uniform, between: (low, high) => low + (high - low) * uniform(), integer, normal, permutation };
}
