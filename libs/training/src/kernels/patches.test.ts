import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fold, patchSizeOf, positionsOf, stretchesOf, unfold } from './patches.js';
import { conv2dWindow, conv3dWindow, type Window } from './window.js';

const size = (lengths: readonly number[]): number => lengths.reduce((product, length) => product * length, 1);
const inputSize = ({ batch, channels, input }: Window): number => batch * channels * size(input);

const extents = fc.tuple(
  fc.integer({ min: 1, max: 3 }),
  fc.integer({ min: 1, max: 3 }),
  fc.integer({ min: 1, max: 3 }),
);
const windows = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    channels: fc.integer({ min: 1, max: 3 }),
    input: fc.tuple(fc.integer({ min: 3, max: 6 }), fc.integer({ min: 3, max: 6 }), fc.integer({ min: 3, max: 6 })),
    kernel: extents,
    strides: extents,
    pad: fc.constantFrom<'same' | 'valid'>('same', 'valid'),
  })
  .map(({ batch, channels, input, kernel, strides, pad }) =>
    conv3dWindow([batch, ...input, channels], [...kernel, channels, 1], { strides, pad }),
  );

/** What the window sees at each position, straight from the definition, element by element. */
function unfoldedByDefinition(input: Float32Array, window: Window, first: number, end: number): number[] {
  const {
    batch,
    channels,
    input: [D, H, W],
    size: [KD, KH, KW],
    positions: [PD, PH, PW],
    stride,
    before,
  } = window;
  const values: number[] = [];
  for (let kd = 0; kd < KD; kd++)
    for (let kh = 0; kh < KH; kh++)
      for (let kw = 0; kw < KW; kw++)
        for (let c = 0; c < channels; c++)
          for (let n = first; n < end; n++)
            for (let pd = 0; pd < PD; pd++)
              for (let ph = 0; ph < PH; ph++)
                for (let pw = 0; pw < PW; pw++) {
                  const d = pd * stride[0] - before[0] + kd;
                  const h = ph * stride[1] - before[1] + kh;
                  const w = pw * stride[2] - before[2] + kw;
                  const inside = d >= 0 && d < D && h >= 0 && h < H && w >= 0 && w < W;
                  values.push(inside ? input[(((c * batch + n) * D + d) * H + h) * W + w]! : 0);
                }
  return values;
}

describe('unfolding', () => {
  it('of a 3 × 3 image by a 2 × 2 window gives a row for each tap', () => {
    const window = conv2dWindow([1, 3, 3, 1], [2, 2, 1, 1], { strides: [1, 1], pad: 'valid' });
    const patches = new Float32Array(16);
    unfold(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), window, { first: 0, end: 1 }, patches);
    expect([...patches]).toEqual([1, 2, 4, 5, 2, 3, 5, 6, 4, 5, 7, 8, 5, 6, 8, 9]);
  });

  it('shows at each position what the definition says', () => {
    fc.assert(
      fc.property(windows, fc.nat(2), (window, from) => {
        const first = from % window.batch;
        const input = Float32Array.from({ length: inputSize(window) }, (_, i) => i + 1);
        const patches = new Float32Array((window.batch - first) * positionsOf(window) * patchSizeOf(window)).fill(NaN);
        unfold(input, window, { first, end: window.batch }, patches);
        expect([...patches]).toEqual(unfoldedByDefinition(input, window, first, window.batch));
      }),
    );
  });

  it('has folding as its transpose: ⟨unfold(x), p⟩ = ⟨x, fold(p)⟩', () => {
    fc.assert(
      fc.property(windows, (window) => {
        const stretch = { first: 0, end: window.batch };
        const x = Float32Array.from({ length: inputSize(window) }, (_, i) => ((i * 7) % 11) - 5);
        const p = Float32Array.from(
          { length: window.batch * positionsOf(window) * patchSizeOf(window) },
          (_, i) => ((i * 5) % 13) - 6,
        );
        const unfolded = new Float32Array(p.length);
        const folded = new Float32Array(x.length);
        unfold(x, window, stretch, unfolded);
        fold(p, window, stretch, folded);
        const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
        // Small whole numbers, so both sides are exact.
        expect(dot(unfolded, p)).toBe(dot(x, folded));
      }),
    );
  });
});

describe('stretches of a batch', () => {
  it('cover every sample once, in order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 8, max: 160 }), (batch, side) => {
        const window = conv2dWindow([batch, side, side, 4], [3, 3, 4, 1], { strides: [1, 1], pad: 'same' });
        const covered = stretchesOf(window).flatMap(({ first, end }) =>
          Array.from({ length: end - first }, (_, i) => first + i),
        );
        expect(covered).toEqual(Array.from({ length: batch }, (_, i) => i));
      }),
    );
  });

  it('keep patches within 16 MiB where one sample fits', () => {
    const window = conv2dWindow([64, 128, 128, 16], [3, 3, 16, 1], { strides: [1, 1], pad: 'same' });
    const largest = Math.max(...stretchesOf(window).map(({ first, end }) => end - first));
    expect(largest * positionsOf(window) * patchSizeOf(window)).toBeLessThanOrEqual(2 ** 22);
    expect(stretchesOf(window).length).toBeGreaterThan(1);
  });
});
