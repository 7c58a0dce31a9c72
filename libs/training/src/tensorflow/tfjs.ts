import { createRequire } from 'node:module';
import type * as Wasm from '@tensorflow/tfjs-backend-wasm';
import type * as Core from '@tensorflow/tfjs-core';
import type * as Layers from '@tensorflow/tfjs-layers';

/**
 * TensorFlow.js, as much of it as we use. Its packages are CommonJS files of megabytes, and `import` would look through
 * each for the names that it exports: `require` does without, which halves the time to load it.
 */
const require = createRequire(import.meta.url);

export const {
  add,
  avgPool,
  avgPool3d,
  backend,
  backend_util,
  batchNorm,
  batchNorm2d,
  cast,
  concat,
  conv2d,
  conv2dTranspose,
  conv3d,
  conv3dTranspose,
  customGrad,
  depthwiseConv2d,
  enableProdMode,
  engine,
  env,
  erf,
  findBackendFactory,
  fused,
  gather,
  getBackend,
  getGradient,
  getKernel,
  grad,
  grads,
  matMul,
  maxPool,
  maxPool3d,
  mean,
  memory,
  moments,
  mul,
  neg,
  ones,
  pad,
  pow,
  registerBackend,
  registerGradient,
  registerKernel,
  relu,
  removeBackend,
  reshape,
  reverse,
  rsqrt,
  scalar,
  setBackend,
  sigmoid,
  slice,
  softmax,
  split,
  square,
  sub,
  sum,
  tanh,
  tensor,
  tensor1d,
  tidy,
  transpose,
  unregisterGradient,
  unregisterKernel,
  unsortedSegmentSum,
  util,
  variableGrads,
  version_core,
  zeros,
} = require('@tensorflow/tfjs-core') as typeof Core;
require('@tensorflow/tfjs-backend-cpu');
// Brings the gradients of all operations too.
export const { initializers, input, layers, model } = require('@tensorflow/tfjs-layers') as typeof Layers;
export const { setWasmPaths } = require('@tensorflow/tfjs-backend-wasm') as typeof Wasm;
