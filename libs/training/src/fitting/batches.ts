import { invariant, type SeededRandom } from '@consilium/stdx';

/**
 * An endless sequence of batches of sample indices. Samples come in passes, each a new random order; a batch that
 * reaches the end of a pass continues into the next, so every batch has `batchSize` indices and after any number of
 * batches no sample was seen more than once more often than another.
 */
export function* batchesOf(count: number, batchSize: number, random: SeededRandom): Generator<Uint32Array, never> {
  invariant(count > 0 && batchSize > 0, 'batches need at least one sample and one place');
  let order = random.permutation(count);
  let next = 0;
  for (;;) {
    const batch = new Uint32Array(batchSize);
    for (let i = 0; i < batchSize; i++) {
      if (next === count) {
        order = random.permutation(count);
        next = 0;
      }
      batch[i] = order[next++]!;
    }
    yield batch;
  }
}
