import { createHash } from 'node:crypto';
import { digestOfJson, Fault, invariant } from '@consilium/stdx';
import type { GreyImage } from './grey-image.js';
import { normaliseInto } from './normalise.js';
import { resizer, type Resize } from './resize.js';
import type { DatasetManifest, ImageSpec, SiteData, Split, SplitCounts, SplitName } from './site-data.js';

/** Float32 images of all splits together: what a hospital's workstation can hold beside the engine. */
export const IMAGES_BYTES_MAX = 2 ** 31;

/** One sample's place: what is known before its pixels are read. */
export interface Sample {
  readonly split: SplitName;
  readonly label: 0 | 1;
  /** Whose image it is; samples without a patient each count as their own. Stays in memory and is never told. */
  readonly patient?: string;
}

/**
 * Gathers samples one by one into the two splits, so that no more than one file's pixels is in memory besides the
 * result. Room for all samples is taken at the start: more than {@link IMAGES_BYTES_MAX} throws DATA_TOO_LARGE.
 */
export class Collector {
  readonly #pixels: number;
  readonly #splits: Record<SplitName, { images: Float32Array; labels: Uint8Array; filled: number }>;
  readonly #patients: Record<SplitName, Set<string>> = { train: new Set(), test: new Set() };
  readonly #contents: string[] = [];
  #resize: { key: string; apply: Resize } | undefined;

  constructor(
    private readonly spec: ImageSpec,
    counts: Readonly<Record<SplitName, number>>,
  ) {
    this.#pixels = spec.size[0] * spec.size[1];
    const bytes = (counts.train + counts.test) * this.#pixels * 4;
    if (bytes > IMAGES_BYTES_MAX) throw new Fault('DATA_TOO_LARGE', { bytes, bytesMax: IMAGES_BYTES_MAX });
    const room = (count: number) => ({
      images: new Float32Array(count * this.#pixels),
      labels: new Uint8Array(count),
      filled: 0,
    });
    this.#splits = { train: room(counts.train), test: room(counts.test) };
  }

  /** Takes the next sample of its split; `content` are the bytes that identify it, as they lie on the disk. */
  add({ split, label, patient }: Sample, image: GreyImage, content: Uint8Array): void {
    const target = this.#splits[split];
    const index = target.filled++;
    invariant(index < target.labels.length, 'no more samples than were announced');
    target.labels[index] = label;
    const place = target.images.subarray(index * this.#pixels, (index + 1) * this.#pixels);
    normaliseInto(place, this.#resized(image), image.range, this.spec.normalise);
    this.#patients[split].add(patient ?? `#${index}`);
    this.#contents.push(`${createHash('sha256').update(content).digest('hex')} ${split} ${label}`);
  }

  finish(format: DatasetManifest['format']): SiteData {
    const [train, test] = [this.#split('train'), this.#split('test')];
    const digest = digestOfJson(['consilium.dataset/1', ...this.#contents.sort()]);
    return { train, test, manifest: { format, train: countsOf(train), test: countsOf(test), digest } };
  }

  #split(name: SplitName): Split {
    const { images, labels, filled } = this.#splits[name];
    invariant(filled === labels.length, 'as many samples as were announced');
    return { count: filled, patients: this.#patients[name].size, images, labels };
  }

  #resized({ height, width, values }: GreyImage): Float64Array {
    const key = `${height}x${width}`;
    if (this.#resize?.key !== key) this.#resize = { key, apply: resizer([height, width], this.spec.size) };
    return this.#resize.apply(values);
  }
}

const countsOf = ({ count, patients, labels }: Split): SplitCounts => ({
  examples: count,
  patients,
  positives: labels.reduce((sum, label) => sum + label, 0),
});
