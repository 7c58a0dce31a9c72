import { invariant, seededRandom } from '@consilium/stdx';

/**
 * The sample indices of one batch, `step` counting from 1. Samples come in passes, each a new random order drawn from the
 * seed and the pass's number alone; a batch that reaches the end of a pass continues into the next, so every batch has
 * `batchSize` indices and after any number of batches no sample was seen more than once more often than another.
 */
export class Batches {
  #pass = -1;
  #order: Uint32Array = new Uint32Array();

  constructor(
    private readonly count: number,
    private readonly batchSize: number,
    private readonly seed: readonly (string | number)[],
  ) {
    invariant(count > 0 && batchSize > 0, 'batches need at least one sample and one place');
  }

  at(step: number): Uint32Array {
    const first = (step - 1) * this.batchSize;
    return Uint32Array.from({ length: this.batchSize }, (_, i) => {
      const place = first + i;
      this.#enter(Math.floor(place / this.count));
      return this.#order[place % this.count]!;
    });
  }

  #enter(pass: number): void {
    if (pass === this.#pass) return;
    this.#pass = pass;
    this.#order = seededRandom('consilium/shuffle', ...this.seed, pass).permutation(this.count);
  }
}
