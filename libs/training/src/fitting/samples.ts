import { seededRandom } from '@consilium/stdx';
import type { FitJob } from '../job.js';
import { changesNothing, drawPlacement, placeInto } from './augmentation.js';
import { batchesOf } from './batches.js';

/** A batch's samples, valid until the next batch is asked for: the arrays are used again. */
export interface Batch {
  /** `[batchSize, ...input shape]`. */
  readonly images: Float32Array;
  /** `[batchSize]`. */
  readonly labels: Uint8Array;
}

type Samples = Pick<FitJob, 'images' | 'labels' | 'count' | 'batchSize' | 'augmentation' | 'seed'>;

/**
 * The endless sequence of batches that a job trains on: shuffled and augmented from two streams of its seed, so that
 * switching augmentation on does not change the order.
 */
export function* samplesOf(job: Samples, inputShape: readonly number[]): Generator<Batch, never> {
  const size = inputShape.reduce((product, length) => product * length, 1);
  const plain = changesNothing(job.augmentation);
  const random = seededRandom('consilium/augment', ...job.seed);
  const images = new Float32Array(job.batchSize * size);
  const labels = new Uint8Array(job.batchSize);
  const batches = batchesOf(job.count, job.batchSize, seededRandom('consilium/shuffle', ...job.seed));
  for (;;) {
    batches.next().value.forEach((sample, place) => {
      const source = job.images.subarray(sample * size, (sample + 1) * size);
      const target = images.subarray(place * size, (place + 1) * size);
      if (plain) target.set(source);
      else placeInto(target, source, inputShape, drawPlacement(job.augmentation, random));
      labels[place] = job.labels[sample]!;
    });
    yield { images, labels };
  }
}
