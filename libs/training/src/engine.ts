import type { Graph } from '@consilium/model';
import { Fault } from '@consilium/stdx';
import type { Weights } from '@consilium/weights';
import type { FitHooks, FitJob, FitResult } from './job.js';

/** `wasm`: WebAssembly with SIMD, one thread. `cpu`: plain JavaScript, some hundred times slower, the numerical reference. */
export type EngineName = 'wasm' | 'cpu';

/**
 * Something that trains. An engine exists only after it has reproduced known gradients on this very machine.
 *
 * All engines of one process share one TensorFlow.js, so their work is done one after the other.
 */
export interface Engine {
  readonly name: EngineName;
  /** The release of TensorFlow.js. */
  readonly version: string;
  /** Whether the same job gives the same bits again with the same release of Node on the same kind of processor. */
  readonly deterministic: boolean;
  /** The largest relative error of a gradient in the self-test at opening. */
  readonly selfTest: { readonly maxError: number };

  /**
   * Trains for `job.steps` optimiser steps and returns the new weights; the job's own are left as they were.
   *
   * @throws Fault CANCELLED after an abort, TRAINING_NOT_FINITE with the step, DATA_EMPTY, WEIGHTS_MISMATCH, GRAPH_INVALID
   */
  fit(job: FitJob, hooks?: FitHooks): Promise<FitResult>;

  /**
   * The probability of the positive class for each of `count` images, float32 in [0, 1].
   *
   * @param images float32, `[count, ...input shape]`, row-major and channels-last
   * @throws Fault as {@link fit}
   */
  predict(graph: Graph, weights: Weights, images: Float32Array, count: number): Promise<Float32Array>;

  /** Ends the engine; later calls are refused. The memory of WebAssembly goes back only with the process. */
  close(): void;
}

/** The engines that `auto` tries, best first. */
const LADDER: readonly EngineName[] = ['wasm', 'cpu'];

/**
 * Starts an engine and puts it through the self-test. TensorFlow.js is loaded here and not before, so that importing
 * this library costs nothing.
 *
 * @param name an engine, or `auto` for the first of `wasm` and `cpu` that starts and computes right gradients
 * @throws Fault ENGINE_UNAVAILABLE, ENGINE_SELF_TEST_FAILED with the operation and its error
 */
export async function openEngine(name: 'auto' | EngineName): Promise<Engine> {
  const { openTensorflow } = await import('./tensorflow/open.js');
  if (name !== 'auto') return openTensorflow(name);
  const failures: Fault[] = [];
  for (const candidate of LADDER) {
    try {
      return await openTensorflow(candidate);
    } catch (error) {
      // The next engine may do; if none does, the first failure is the one that matters.
      failures.push(Fault.from(error, 'ENGINE_UNAVAILABLE'));
    }
  }
  throw failures[0]!;
}
