import type { Graph } from '@consilium/model';
import type { Weights } from '@consilium/weights';
import type { Augmentation } from './fitting/augmentation.js';
import type { ClassWeighting } from './fitting/class-weights.js';
import type { FitState } from './fitting/fit-state.js';
import type { LossName, Targets } from './fitting/loss/loss.js';
import type { OptimizerSpec } from './fitting/optimizer.js';
import type { RateSchedule } from './fitting/rate-schedule.js';

/** One site's training in one round: everything that decides the result, and nothing else. */
export interface FitJob extends Objective {
  /** Starts afresh in every job: no moments are carried over. A plan's `training.optimizer` fits as it is. */
  readonly optimizer: OptimizerSpec;
  readonly learningRate: number;
  /** How the rate changes within this job; left away, it stays as it is. */
  readonly schedule?: RateSchedule;
  readonly batchSize: number;
  readonly steps: number;
  /** Decoupled (Loshchilov & Hutter 2019): kernels shrink by rate · weightDecay each step; biases and norms do not. */
  readonly weightDecay: number;
  readonly augmentation: Augmentation;
  /** What the shuffling, augmentation and dropout of this job are drawn from, such as plan seed, site, round. */
  readonly seed: readonly (string | number)[];
  /** The largest Euclidean norm of the loss's gradient over all trained tensors; a longer one is scaled down to it. */
  readonly clipNorm?: number;
  /**
   * FedProx (Li et al. 2020): the objective gains μ/2 · ‖w − w₀‖², w₀ being the job's weights, so μ · (w − w₀) is
   * added to the gradient after it was clipped. The loss that is told leaves it out.
   */
  readonly proximal?: number;
  /** SCAFFOLD's c − cᵢ (Karimireddy et al. 2020), laid out by the manifest: added to the gradient after clipping. */
  readonly correction?: Float32Array;
  /** Layers whose tensors stay as they are, bit by bit; a frozen batch norm normalises by its moving statistics. */
  readonly frozen?: readonly string[];
  /** Layers of this site alone: they are trained, but `weights` has them as they came and `personal` as they are now. */
  readonly personal?: readonly string[];
}

/** A mean loss of a graph over samples. */
interface Objective {
  /** A model whose last layer has no activation: its output are the logits, risks or values that the loss takes. */
  readonly graph: Graph;
  /** In the graph's own manifest. */
  readonly weights: Weights;
  /** `[count, row]`, row-major and channels-last; the values of several inputs stand back to back in graph order. */
  readonly images: Float32Array;
  /** `[count, …]`, as the loss wants them; see {@link LossName}. */
  readonly labels: Targets;
  readonly count: number;
  /** Left away: `binary-cross-entropy`. */
  readonly loss?: LossName;
  /** Of the focal loss; left away, 2 as in its paper. */
  readonly focalGamma?: number;
  readonly classWeights: ClassWeighting;
}

/** One batch: all samples at once, in training mode (batch norm by the batch), with dropout off. */
export type GradientJob = Objective;

export interface GradientResult {
  /** The mean loss of the batch. */
  readonly loss: number;
  /** Its gradient, laid out by the graph's manifest; 0 for what is not trained, such as moving statistics. */
  readonly gradient: Float32Array;
}

export interface FitProgress {
  /** 1-based. */
  readonly step: number;
  readonly steps: number;
  /** Of this step's batch, before its update. */
  readonly loss: number;
  /** In how many parts the batch went through; more than 1 once memory ran out. The effective batch is the same. */
  readonly microBatches: number;
}

export interface FitHooks {
  /** Called after every step; the caller throttles. */
  readonly onProgress?: (progress: FitProgress) => void;
  /** Looked at between steps. */
  readonly signal?: AbortSignal;
  /** Goes on from a state of the very same job: the result has the same bits as if nothing had come between. */
  readonly resume?: FitState;
  /** Called after every `stateEvery` steps but the last with a state that may be kept; it is the caller's own. */
  readonly onState?: (state: FitState) => void;
  /** Left away: 50. */
  readonly stateEvery?: number;
}

export interface FitResult {
  readonly weights: Weights;
  /** The mean of the steps' losses. */
  readonly loss: number;
  readonly steps: number;
  /** The trained values of the personal layers, back to back in manifest order; without such layers it is left away. */
  readonly personal?: Float32Array;
}
