import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { engine } from '../tensorflow/tfjs.js';

/** What a kernel of the `wasm` backend is called with, as TensorFlow.js types it for its own. */
export interface KernelCall<Inputs, Attrs> {
  readonly inputs: Inputs;
  readonly attrs: Attrs;
  readonly backend: BackendWasm;
}

/** A kernel to put in the place of an upstream one, which it may still use; undefined where upstream has none. */
export interface Repair {
  readonly kernelName: string;
  readonly repaired: (upstream: KernelFunc | undefined) => KernelFunc;
}

/** A repair that does without the upstream kernel. */
export const replacement = <Inputs, Attrs>(
  kernelName: string,
  kernel: (call: KernelCall<Inputs, Attrs>) => TensorInfo,
): Repair => ({ kernelName, repaired: () => kernel as unknown as KernelFunc });

/**
 * A tensor's values where they lie in the memory of WebAssembly. The view dies with the next allocation, since memory
 * may grow and move: take views last, when all tensors exist.
 */
export const valuesOf = (backend: BackendWasm, info: TensorInfo): Float32Array =>
  backend.typedArrayFromHeap(info) as Float32Array;

/** A tensor for a kernel's output or intermediate, so that it can go into operations and be tidied. */
export const tensorOf = (info: TensorInfo): Tensor => engine().makeTensorFromTensorInfo(info);
