import type { Graph } from '@consilium/model';
import type { Weights } from '@consilium/weights';
import type { Augmentation } from './fitting/augmentation.js';
import type { ClassWeighting } from './fitting/class-weights.js';
import type { OptimizerSpec } from './fitting/optimizer.js';

/** One site's training in one round: everything that decides the result, and nothing else. */
export interface FitJob {
  /** A model whose output is one logit. */
  readonly graph: Graph;
  /** Where training starts, in the graph's own manifest. */
  readonly weights: Weights;
  /** `[count, ...input shape]`, row-major and channels-last. */
  readonly images: Float32Array;
  /** `[count]`, 1 for the positive class and 0 for the other. */
  readonly labels: Uint8Array;
  readonly count: number;
  /** Starts afresh in every job: no moments are carried over. A plan's `training.optimizer` fits as it is. */
  readonly optimizer: OptimizerSpec;
  readonly learningRate: number;
  readonly batchSize: number;
  readonly steps: number;
  /** Decoupled (Loshchilov & Hutter 2019): kernels shrink by learningRate · weightDecay each step; biases and batch norm do not. */
  readonly weightDecay: number;
  readonly classWeights: ClassWeighting;
  readonly augmentation: Augmentation;
  /** What the shuffling, augmentation and dropout of this job are drawn from, such as plan seed, site, round. */
  readonly seed: readonly (string | number)[];
}

export interface FitProgress {
  /** 1-based. */
  readonly step: number;
  readonly steps: number;
  /** Of this step's batch, before its update. */
  readonly loss: number;
}

export interface FitHooks {
  /** Called after every step; the caller throttles. */
  readonly onProgress?: (progress: FitProgress) => void;
  /** Looked at between steps. */
  readonly signal?: AbortSignal;
}

export interface FitResult {
  readonly weights: Weights;
  /** The mean of the steps' losses. */
  readonly loss: number;
  readonly steps: number;
}
