import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { util } from '../tensorflow/tfjs.js';
import { valuesOf, type KernelCall, type Repair } from './heap.js';
import { simdOf, type SimdKernels } from './simd/instance.js';

type Call = KernelCall<{ x: Tensor }, { axis?: number | number[]; keepDims?: boolean }>;
type Kernel = (call: Call) => TensorInfo;

/**
 * Upstream: right, but sums over leading axes, such as those of a bias gradient or of batch norm, first transpose the
 * whole tensor, and then add up in float32. These read it once, in order, and add up in float64.
 */
export const leadingSum = overLeadingAxes('Sum', () => 1);
export const leadingMean = overLeadingAxes('Mean', (rows) => 1 / rows);

function overLeadingAxes(kernelName: string, factorOf: (rows: number) => number): Repair {
  return {
    kernelName,
    repaired: (upstream) => {
      const kernel = (call: Call): TensorInfo => {
        const { x } = call.inputs;
        const { axis, keepDims } = call.attrs;
        const axes = util.parseAxisParam(axis as number[], x.shape);
        const leading = axes.length > 0 && axes.length < x.shape.length && axes.every((value, i) => value === i);
        if (x.dtype !== 'float32' || !leading) return (upstream as unknown as Kernel)(call);

        const rows = util.sizeFromShape(x.shape.slice(0, axes.length));
        const kept = x.shape.slice(axes.length);
        const output = call.backend.makeOutput(keepDims ? [...axes.map(() => 1), ...kept] : kept, 'float32');
        const simd = util.sizeFromShape(kept) % 4 === 0 ? simdOf(call.backend) : null;
        if (simd) simdSumRows(x, rows, factorOf(rows), output, call.backend, simd);
        else sumRows(valuesOf(call.backend, x), rows, factorOf(rows), valuesOf(call.backend, output));
        return output;
      };
      return kernel as unknown as KernelFunc;
    },
  };
}

/** Rows that are added up before the next columns are: as many as stay in the cache. */
const BLOCK_ROWS = 256;

/** Adds up the rows of a matrix in order, in float64, and scales the sums. */
export function sumRows(values: Float32Array, rows: number, factor: number, sums: Float32Array): void {
  const columns = sums.length;
  const exact = new Float64Array(columns);
  for (let first = 0; first < rows; first += BLOCK_ROWS) {
    const end = Math.min(rows, first + BLOCK_ROWS) * columns;
    for (let column = 0; column < columns; column++) {
      let sum = exact[column]!;
      for (let at = first * columns + column; at < end; at += columns) sum += values[at]!;
      exact[column] = sum;
    }
  }
  for (let column = 0; column < columns; column++) sums[column] = exact[column]! * factor;
}

/** The same, four columns at a time, and to the same bits: each column is added up in the same order. */
function simdSumRows(
  x: Tensor,
  rows: number,
  factor: number,
  output: TensorInfo,
  backend: BackendWasm,
  simd: SimdKernels,
): void {
  const columns = util.sizeFromShape(output.shape);
  // Room for float64 sums; two of our float32 each.
  const room = backend.makeOutput([2 * columns], 'float32');
  valuesOf(backend, room).fill(0);
  const [from, to] = [x, room].map(({ dataId }) => backend.getMemoryOffset(dataId)) as [number, number];
  for (let first = 0; first < rows; first += BLOCK_ROWS) {
    for (let column = 0; column < columns; column += 4) {
      const start = from + (first * columns + column) * 4;
      simd['addColumns']!(start, Math.min(BLOCK_ROWS, rows - first), columns * 4, to + column * 8);
    }
  }
  const exact = new Float64Array(valuesOf(backend, room).buffer as ArrayBuffer, to, columns);
  valuesOf(backend, output).set(exact.map((sum) => sum * factor));
  backend.disposeData(room.dataId);
}
