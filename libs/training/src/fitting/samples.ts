import { seededRandom } from '@consilium/stdx';
import type { FitJob } from '../job.js';
import { changeImage, changeMask, drawChange, isImage, type Change } from './augment.js';
import { changesNothing } from './augmentation.js';
import { Batches } from './batches.js';
import type { Targets } from './loss/loss.js';

/** A batch's samples, valid until the next batch is asked for: the arrays are used again. */
export interface Batch {
  /** `[count, row]`. */
  readonly images: Float32Array;
  /** `[count, …]`, as the loss wants them. */
  readonly labels: Targets;
  readonly count: number;
}

type SamplesJob = Pick<FitJob, 'images' | 'labels' | 'count' | 'batchSize' | 'augmentation' | 'seed'>;
type Shape = readonly number[];

/**
 * The batches that a job trains on, shuffled and augmented. Each batch's draws are named by the seed and its step, so any
 * batch can be had without those before it, and switching augmentation on does not change the order.
 *
 * Augmentation changes the inputs that are images or volumes, all inputs of a sample alike, and with them targets that
 * are masks of the first one.
 */
export class Samples {
  readonly #batches: Batches;
  readonly #images: Float32Array;
  readonly #labels: Targets;
  readonly #row: number;
  readonly #targets: number;
  readonly #mask: Shape | undefined;

  /** @param inputShapes of one sample, in graph order */
  constructor(
    private readonly job: SamplesJob,
    private readonly inputShapes: readonly Shape[],
  ) {
    const { images, labels, count, batchSize, seed } = job;
    this.#batches = new Batches(count, batchSize, seed);
    this.#row = images.length / count;
    this.#targets = labels.length / count;
    this.#images = new Float32Array(batchSize * this.#row);
    this.#labels = new (labels instanceof Uint8Array ? Uint8Array : Float32Array)(batchSize * this.#targets);
    this.#mask = maskShape(inputShapes.find(isImage), this.#targets);
  }

  /** The batch of a step, counted from 1. */
  at(step: number): Batch {
    const { images, labels, batchSize, augmentation, seed } = this.job;
    const random = changesNothing(augmentation) ? undefined : seededRandom('consilium/augment', ...seed, step);
    this.#batches.at(step).forEach((sample, place) => {
      const change = random && drawChange(augmentation, random);
      this.#place(rowOf(images, sample, this.#row), rowOf(this.#images, place, this.#row), change);
      this.#placeTargets(rowOf(labels, sample, this.#targets), rowOf(this.#labels, place, this.#targets), change);
    });
    return { images: this.#images, labels: this.#labels, count: batchSize };
  }

  #place(source: Float32Array, target: Float32Array, change: Change | undefined): void {
    if (!change) return target.set(source);
    let at = 0;
    for (const shape of this.inputShapes) {
      const size = sizeOf(shape);
      const [from, to] = [source.subarray(at, at + size), target.subarray(at, at + size)];
      if (isImage(shape)) changeImage(to, from, shape, change);
      else to.set(from);
      at += size;
    }
  }

  #placeTargets(source: Targets, target: Targets, change: Change | undefined): void {
    if (!change || !this.#mask) return target.set(source);
    const moved = new Float32Array(source.length);
    changeMask(moved, Float32Array.from(source), this.#mask, change);
    target.set(moved);
  }
}

/** The shape of targets that are one or more values for each pixel of an image, or undefined for others. */
function maskShape(image: Shape | undefined, targets: number): Shape | undefined {
  if (!image) return undefined;
  const pixels = sizeOf(image.slice(0, -1));
  return pixels > 2 && targets >= pixels && targets % pixels === 0
    ? [...image.slice(0, -1), targets / pixels]
    : undefined;
}

const sizeOf = (shape: Shape): number => shape.reduce((product, length) => product * length, 1);

const rowOf = <T extends Targets>(values: T, row: number, size: number): T =>
  values.subarray(row * size, (row + 1) * size) as T;
