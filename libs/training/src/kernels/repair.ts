import type { GradConfig } from '@tensorflow/tfjs-core';
import {
  getGradient,
  getKernel,
  registerGradient,
  registerKernel,
  unregisterGradient,
  unregisterKernel,
} from '../tensorflow/tfjs.js';
import { averagePool2dGradient, averagePool3dGradient } from './average-pool-gradient.js';
import { batchNormGradient } from './batch-norm-gradient.js';
import { cpuMaxPool3dGradient } from './cpu-max-pool.js';
import { depthwiseFilterGradient, depthwiseInputGradient } from './depthwise-gradients.js';
import { conv2dFilterGradient, conv3dFilterGradient } from './filter-gradient.js';
import { fusedConv2dGradient } from './fused-conv2d.js';
import type { Repair } from './heap.js';
import { identity } from './identity.js';
import { conv2dInputGradient, conv3dInputGradient } from './input-gradient.js';
import { leadingMean, leadingSum } from './leading-sums.js';
import { matrixProduct } from './matmul.js';
import { maxPool2dGradient, maxPool3d, maxPool3dGradient } from './max-pool.js';
import { segmentSum } from './segment-sum.js';
import { transposedConv3dGradient } from './transposed-conv3d-gradient.js';

/** What the `wasm` backend of TensorFlow.js 4.22 lacks, does wrong, or does slowly; each file says which. */
const WASM_KERNELS: readonly Repair[] = [
  conv2dFilterGradient,
  conv2dInputGradient,
  conv3dFilterGradient,
  conv3dInputGradient,
  depthwiseFilterGradient,
  depthwiseInputGradient,
  identity,
  leadingMean,
  leadingSum,
  matrixProduct,
  maxPool2dGradient,
  maxPool3d,
  maxPool3dGradient,
  segmentSum,
];

/** Gradients that upstream lacks, or composes wrongly or slowly, for every backend. */
const GRADIENTS: readonly GradConfig[] = [
  averagePool2dGradient,
  averagePool3dGradient,
  batchNormGradient,
  fusedConv2dGradient,
  transposedConv3dGradient,
];

/** Puts our gradients in the place of upstream's, for the whole process. */
export function repairGradients(): void {
  for (const gradient of GRADIENTS) {
    // Typed as always there, which it is not.
    if (getGradient(gradient.kernelName) as GradConfig | undefined) unregisterGradient(gradient.kernelName);
    registerGradient(gradient);
  }
}

/** Puts our kernels in the place of upstream's, for the whole process; the backend has set upstream's up by then. */
export const repairWasmKernels = (): void => repairKernels('wasm', WASM_KERNELS);
export const repairCpuKernels = (): void => repairKernels('cpu', [cpuMaxPool3dGradient]);

function repairKernels(backendName: string, kernels: readonly Repair[]): void {
  for (const { kernelName, repaired } of kernels) {
    const upstream = getKernel(kernelName, backendName);
    if (upstream) unregisterKernel(kernelName, backendName);
    registerKernel({ ...upstream, kernelName, backendName, kernelFunc: repaired(upstream?.kernelFunc) });
  }
}
