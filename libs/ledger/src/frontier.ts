import { emptyRoot, nodeHash, plainHash, type Hash } from './hash.js';

/**
 * The right edge of a tree: the roots of the whole subtrees that it consists of, largest first. It is all that is
 * needed to append leaves and to know the root, and nothing that was computed before is taken on trust but these.
 */
export class Frontier {
  readonly #peaks: Uint8Array[];
  readonly #hash: Hash;
  #size: number;

  /** @param peaks one root for each bit that is set in `size`, from the highest bit down */
  constructor(size = 0, peaks: readonly Uint8Array[] = [], hash: Hash = plainHash) {
    this.#size = size;
    this.#peaks = [...peaks];
    this.#hash = hash;
  }

  append(leaf: Uint8Array): void {
    this.#peaks.push(leaf);
    this.#size += 1;
    // Each trailing zero of the new size stands for two subtrees of one height, which become one.
    for (let rest = this.#size; rest % 2 === 0; rest /= 2) {
      const [left, right] = this.#peaks.splice(-2) as [Uint8Array, Uint8Array];
      this.#peaks.push(nodeHash(left, right, this.#hash));
    }
  }

  root(): Uint8Array {
    if (this.#size === 0) return emptyRoot();
    return this.#peaks.reduceRight((right, left) => nodeHash(left, right, this.#hash));
  }
}
