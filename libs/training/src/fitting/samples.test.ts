import { describe, expect, it } from 'vitest';
import { samplesOf } from './samples.js';

const OFF = { flipHorizontal: false, flipVertical: false, shiftPixels: 0 };

// Each sample's pixels carry its number, and its label is whether that is odd.
const count = 12;
const images = Float32Array.from({ length: count * 6 }, (_, i) => Math.floor(i / 6) + (i % 6) / 10);
const labels = Uint8Array.from({ length: count }, (_, i) => i % 2);

function batches(
  augmentation: typeof OFF,
  seed: readonly (string | number)[] = [1],
): { images: number[]; labels: number[] }[] {
  const sequence = samplesOf({ images, labels, count, batchSize: 4, augmentation, seed }, [2, 3, 1]);
  return Array.from({ length: 6 }, () => {
    const batch = sequence.next().value;
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
});
