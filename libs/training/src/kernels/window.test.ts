import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conv2dWindow, conv3dWindow, pool2dWindow, pool3dWindow } from './window.js';

const axis = fc.record({
  length: fc.integer({ min: 3, max: 20 }),
  size: fc.integer({ min: 1, max: 3 }),
  stride: fc.integer({ min: 1, max: 4 }),
});

describe('a window', () => {
  it('has as many positions as TensorFlow counts, and the smaller half of the padding before', () => {
    fc.assert(
      fc.property(axis, axis, fc.constantFrom<'same' | 'valid'>('same', 'valid'), (h, w, pad) => {
        const window = conv2dWindow([2, h.length, w.length, 3], [h.size, w.size, 3, 5], {
          strides: [h.stride, w.stride],
          pad,
        });
        [h, w].forEach(({ length, size, stride }, i) => {
          const positions = Math.ceil((pad === 'same' ? length : length - size + 1) / stride);
          const padding = pad === 'same' ? Math.max(0, (positions - 1) * stride + size - length) : 0;
          expect(window.positions[i + 1]).toBe(positions);
          expect(window.before[i + 1]).toBe(Math.floor(padding / 2));
        });
      }),
    );
  });

  it('over an image is one over a volume of depth one', () => {
    const flat = conv2dWindow([2, 7, 6, 3], [3, 2, 3, 4], { strides: [2, 1], pad: 'same' });
    const deep = conv3dWindow([2, 1, 7, 6, 3], [1, 3, 2, 3, 4], { strides: [1, 2, 1], pad: 'same' });
    expect(flat).toEqual(deep);
    const flatPool = pool2dWindow([2, 7, 6, 3], [3, 2], { strides: [2, 1], pad: 'valid' });
    const deepPool = pool3dWindow([2, 1, 7, 6, 3], [1, 3, 2], { strides: [1, 2, 1], pad: 'valid' });
    expect(flatPool).toEqual(deepPool);
  });

  it('may be padded by hand', () => {
    const window = conv2dWindow([1, 4, 4, 1], [3, 3, 1, 1], {
      strides: 1,
      pad: [
        [0, 0],
        [2, 0],
        [1, 1],
        [0, 0],
      ],
    });
    expect(window.positions).toEqual([1, 4, 4]);
    expect(window.before).toEqual([0, 2, 1]);
  });
});
