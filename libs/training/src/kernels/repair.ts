import type { GradConfig } from '@tensorflow/tfjs-core';
import {
  getGradient,
  getKernel,
  registerGradient,
  registerKernel,
  unregisterGradient,
  unregisterKernel,
} from '../tensorflow/tfjs.js';
import { averagePoolGradient } from './average-pool-gradient.js';
import { batchNormGradient } from './batch-norm-gradient.js';
import { conv2dFilterGradient, conv3dFilterGradient } from './filter-gradient.js';
import { fusedConv2dGradient } from './fused-conv2d.js';
import type { Repair } from './heap.js';
import { identity } from './identity.js';
import { conv2dInputGradient, conv3dInputGradient } from './input-gradient.js';
import { leadingMean, leadingSum } from './leading-sums.js';
import { matrixProduct } from './matmul.js';
import { maxPool2dGradient, maxPool3d, maxPool3dGradient } from './max-pool.js';

/** What the `wasm` backend of TensorFlow.js 4.22 lacks, does wrong, or does slowly; each file says which. */
const WASM_KERNELS: readonly Repair[] = [
  conv2dFilterGradient,
  conv2dInputGradient,
  conv3dFilterGradient,
  conv3dInputGradient,
  identity,
  leadingMean,
  leadingSum,
  matrixProduct,
  maxPool2dGradient,
  maxPool3d,
  maxPool3dGradient,
];

/** Gradients that upstream composes wrongly or slowly for every backend. */
const GRADIENTS: readonly GradConfig[] = [averagePoolGradient, batchNormGradient, fusedConv2dGradient];

/** Puts our gradients in the place of upstream's, for the whole process. */
export function repairGradients(): void {
  for (const gradient of GRADIENTS) {
    // Typed as always there, which it is not.
    if (getGradient(gradient.kernelName) as GradConfig | undefined) unregisterGradient(gradient.kernelName);
    registerGradient(gradient);
  }
}

const BACKEND = 'wasm';

/** Puts our kernels in the place of upstream's, for the whole process; the backend has set upstream's up by then. */
export function repairWasmKernels(): void {
  for (const { kernelName, repaired } of WASM_KERNELS) {
    const upstream = getKernel(kernelName, BACKEND);
    if (upstream) unregisterKernel(kernelName, BACKEND);
    registerKernel({ ...upstream, kernelName, backendName: BACKEND, kernelFunc: repaired(upstream?.kernelFunc) });
  }
}
