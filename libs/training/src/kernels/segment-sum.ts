import type { Tensor } from '@tensorflow/tfjs-core';
import { replacement, valuesOf, type KernelCall } from './heap.js';

type Call = KernelCall<{ x: Tensor; segmentIds: Tensor }, { numSegments: number }>;

/** Upstream: the `wasm` backend has no UnsortedSegmentSum, the gradient of a gather, so embeddings cannot be trained on it. */
export const segmentSum = replacement('UnsortedSegmentSum', ({ inputs: { x, segmentIds }, attrs, backend }: Call) => {
  const output = backend.makeOutput([attrs.numSegments, ...x.shape.slice(segmentIds.rank)], 'float32');
  const values = valuesOf(backend, x);
  const ids = backend.typedArrayFromHeap(segmentIds);
  const sums = valuesOf(backend, output).fill(0);
  const length = sums.length / attrs.numSegments;
  ids.forEach((id, row) => {
    // An index below zero belongs nowhere, as in TensorFlow.
    if (id < 0) return;
    for (let i = 0; i < length; i++) sums[id * length + i]! += values[row * length + i]!;
  });
  return output;
});
