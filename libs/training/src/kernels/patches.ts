import type { Window } from './window.js';

/*
 * What a window sees, as a matrix (im2col, by taps): one row for each element of the window and channel, one column for
 * each position of each sample. A convolution's gradients are then one matrix product each. Inputs come channels-first,
 * [channels, batch, depth, height, width], so that neighbouring columns are neighbours in the input, too.
 */

/** How many values of patches are held at once: 16 MiB, whatever the batch and the volume. */
const PATCH_VALUES_MAX = 2 ** 22;

export const positionsOf = ({ positions: [depth, height, width] }: Window): number => depth * height * width;
export const patchSizeOf = ({ size: [depth, height, width], channels }: Window): number =>
  depth * height * width * channels;

/** Some of a batch's samples, `[first, end)`. */
export interface Stretch {
  readonly first: number;
  readonly end: number;
}

/** The batch in stretches whose patches fit the bound; at least one sample each. */
export function stretchesOf(window: Window): readonly Stretch[] {
  const each = Math.max(1, Math.floor(PATCH_VALUES_MAX / (positionsOf(window) * patchSizeOf(window))));
  const count = Math.ceil(window.batch / each);
  return Array.from({ length: count }, (_, i) => ({ first: i * each, end: Math.min(window.batch, (i + 1) * each) }));
}

/** Writes the patches of a stretch, zeros where a window looks beyond the input. */
export function unfold(input: Float32Array, window: Window, stretch: Stretch, patches: Float32Array): void {
  const step = window.stride[2];
  patches.fill(0);
  eachRun(window, stretch, (patch, from, length) => {
    for (let i = 0, source = from; i < length; i++, source += step) patches[patch + i] = input[source]!;
  });
}

/** The transpose of {@link unfold}: adds each patch back to where it was seen (col2im). */
export function fold(patches: Float32Array, window: Window, stretch: Stretch, output: Float32Array): void {
  const step = window.stride[2];
  eachRun(window, stretch, (patch, to, length) => {
    for (let i = 0, target = to; i < length; i++, target += step)
      output[target] = output[target]! + patches[patch + i]!;
  });
}

/** Visits what patches and input have in common, a row of positions at a time: contiguous in patches, strided in the input. */
function eachRun(
  {
    batch: N,
    channels: C,
    input: [D, H, W],
    size: [KD, KH, KW],
    positions: [PD, PH, PW],
    stride: [SD, SH, SW],
    before: [BD, BH, BW],
  }: Window,
  { first, end }: Stretch,
  visit: (patch: number, input: number, length: number) => void,
): void {
  let row = 0;
  for (let kd = 0; kd < KD; kd++) {
    for (let kh = 0; kh < KH; kh++) {
      for (let kw = 0; kw < KW; kw++) {
        // The positions whose tap lies inside the input's width.
        const low = Math.max(0, Math.ceil((BW - kw) / SW));
        const high = Math.min(PW - 1, Math.floor((W - 1 + BW - kw) / SW));
        for (let c = 0; c < C; c++) {
          for (let n = first; n < end; n++) {
            for (let pd = 0; pd < PD; pd++) {
              const d = pd * SD - BD + kd;
              for (let ph = 0; ph < PH; ph++, row += PW) {
                const h = ph * SH - BH + kh;
                if (d < 0 || d >= D || h < 0 || h >= H) continue;
                visit(row + low, (((c * N + n) * D + d) * H + h) * W + low * SW - BW + kw, high - low + 1);
              }
            }
          }
        }
      }
    }
  }
}
