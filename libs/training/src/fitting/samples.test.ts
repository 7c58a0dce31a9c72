import { describe, expect, it } from 'vitest';
import { Samples } from './samples.js';
import type { Augmentation } from './augmentation.js';

const OFF = { flipHorizontal: false, flipVertical: false, shiftPixels: 0 };

// Each sample's pixels carry its number, and its label is whether that is odd.
const count = 12;
const images = Float32Array.from({ length: count * 6 }, (_, i) => Math.floor(i / 6) + (i % 6) / 10);
const labels = Uint8Array.from({ length: count }, (_, i) => i % 2);

function batches(
  augmentation: Augmentation,
  seed: readonly (string | number)[] = [1],
): { images: number[]; labels: number[] }[] {
  const samples = new Samples({ images, labels, count, batchSize: 4, augmentation, seed }, [[2, 3, 1]]);
  return Array.from({ length: 6 }, (_, i) => {
    const batch = samples.at(i + 1);
    return { images: [...batch.images], labels: [...batch.labels] };
  });
}

const samplesIn = ({ images }: { images: number[] }): number[] => [0, 6, 12, 18].map((at) => Math.floor(images[at]!));

describe('samples', () => {
  it('keep their labels when they are shuffled', () => {
    for (const batch of batches(OFF)) expect(batch.labels).toEqual(samplesIn(batch).map((sample) => sample % 2));
  });

  it('come in the same order with and without augmentation', () => {
    const plain = batches(OFF).map(samplesIn);
    expect(batches({ flipHorizontal: true, flipVertical: true, shiftPixels: 2 }).map(samplesIn)).toEqual(plain);
  });

  it('are changed by augmentation, and in the same way for the same seed', () => {
    const on = { flipHorizontal: true, flipVertical: false, shiftPixels: 1 };
    expect(batches(on)).not.toEqual(batches(OFF));
    expect(batches(on)).toEqual(batches(on));
    expect(batches(on, [1, 'site-a'])).not.toEqual(batches(on, [1, 'site-b']));
  });

  it('are the same when a job goes on in the middle', () => {
    const augmentation = {
      flipHorizontal: true,
      flipVertical: true,
      shiftPixels: 1,
      rotateDegrees: 20,
      intensity: 0.1,
    };
    const job = { images, labels, count, batchSize: 4, augmentation, seed: [1] };
    const fourth = [...new Samples(job, [[2, 3, 1]]).at(4).images];
    expect(fourth).toEqual(batches(augmentation)[3]!.images);
  });

  it('of several inputs are changed in their images and not in their tables', () => {
    const rows = Float32Array.from({ length: 2 * 8 }, (_, i) => i);
    const augmentation = { ...OFF, intensity: 0.5 };
    const samples = new Samples(
      { images: rows, labels: Uint8Array.of(0, 1), count: 2, batchSize: 2, augmentation, seed: [3] },
      [[2, 3, 1], [2]],
    );
    const batch = samples.at(1).images;
    const tables = [...batch.subarray(6, 8), ...batch.subarray(14, 16)].sort((a, b) => a - b);
    expect(tables).toEqual([6, 7, 14, 15]);
    expect([...batch.subarray(0, 6)]).not.toEqual([...rows.subarray(0, 6)]);
    expect([...batch.subarray(0, 6)]).not.toEqual([...rows.subarray(8, 14)]);
  });

  it('take their masks with them', () => {
    // The mask says which pixels are bright; mirrored and shifted with the image it still does.
    const pixels = Float32Array.from({ length: 6 * 20 }, (_, i) => ((i * 7) % 5 === 0 ? 1 : 0));
    const augmentation = { flipHorizontal: true, flipVertical: true, shiftPixels: 1 };
    const job = { images: pixels, labels: Uint8Array.from(pixels), count: 6, batchSize: 6, augmentation, seed: [5] };
    const batch = new Samples(job, [[4, 5, 1]]).at(1);
    expect([...batch.labels]).toEqual([...batch.images]);
    expect([...batch.images]).not.toEqual([...pixels]);
  });
});
