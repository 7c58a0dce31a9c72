import { describe, expect, it } from 'vitest';
import { isOutOfMemory, OutOfMemory } from './out-of-memory.js';

describe('running out of memory', () => {
  it.each([
    'OOM when allocating tensor with shape[64,512,512,64] and type float',
    'CUDA out of memory. Tried to allocate 2.00 GiB',
    'Failed to allocate memory for requested buffer of size 4294967296',
    'Array buffer allocation failed',
    'std::bad_alloc',
  ])('is known by the words of the libraries: %s', (words) => {
    expect(isOutOfMemory(new Error(words))).toBe(true);
  });

  it('is known by our own error', () => {
    expect(isOutOfMemory(new OutOfMemory())).toBe(true);
  });

  it('is not seen in other errors', () => {
    expect(isOutOfMemory(new Error('shapes do not fit: room for 3'))).toBe(false);
    expect(isOutOfMemory('out of memory')).toBe(false);
  });
});
