import type { Graph } from '@consilium/model';
import { Fault } from '@consilium/stdx';
import type { Weights } from '@consilium/weights';
import type { Head } from './fitting/head.js';
import type { FitHooks, FitJob, FitResult, GradientJob, GradientResult } from './job.js';

/**
 * `wasm`: WebAssembly with SIMD, one thread. `cpu`: plain JavaScript, some hundred times slower, the numerical reference.
 * `onnx`: ONNX Runtime on the CPU, running training graphs of our own; one thread. The fastest that npm alone brings.
 * `torch`: the site's own Python with PyTorch, named by CONSILIUM_PYTHON.
 */
export type EngineName = 'onnx' | 'torch' | 'wasm' | 'cpu';

/**
 * Something that trains. An engine exists only after it has reproduced known gradients on this very machine.
 *
 * Work is done one piece after the other; all engines of one process that use TensorFlow.js share it and take turns.
 */
export interface Engine {
  readonly name: EngineName;
  /** The release of what computes: TensorFlow.js, ONNX Runtime, PyTorch. */
  readonly version: string;
  /** Whether the same job gives the same bits again with the same release of Node on the same kind of processor. */
  readonly deterministic: boolean;
  /** The largest relative error of a gradient in the self-test at opening. */
  readonly selfTest: { readonly maxError: number };

  /**
   * Trains for `job.steps` optimiser steps and returns the new weights; the job's own are left as they were.
   *
   * @throws Fault CANCELLED after an abort, TRAINING_NOT_FINITE with the step, DATA_EMPTY, WEIGHTS_MISMATCH,
   *   GRAPH_INVALID, ENGINE_UNSUPPORTED before the first step
   */
  fit(job: FitJob, hooks?: FitHooks): Promise<FitResult>;

  /**
   * The mean loss of one batch and its gradient at the job's weights: what engines are compared by.
   *
   * @throws Fault as {@link fit}
   */
  gradient(job: GradientJob): Promise<GradientResult>;

  /**
   * The model's outputs for each of `count` samples, float32, `[count, outputs]`.
   *
   * @param images float32, `[count, row]` as in {@link FitJob}
   * @param head what turns logits into outputs; left away, `sigmoid`: the probability of the positive class
   * @throws Fault as {@link fit}
   */
  predict(graph: Graph, weights: Weights, images: Float32Array, count: number, head?: Head): Promise<Float32Array>;

  /** Ends the engine; later calls are refused. The memory of WebAssembly goes back only with the process. */
  close(): void;
}

/** How each engine is opened; what it needs is loaded then and not before. */
const OPENERS: Readonly<Record<EngineName, (graph?: Graph) => Promise<Engine>>> = {
  onnx: async (graph) => (await import('./onnx/open.js')).openOnnx(graph),
  torch: async (graph) => {
    const { openTorch } = await import('./torch/open.js');
    const python = process.env['CONSILIUM_PYTHON'];
    if (!python) throw new Fault('ENGINE_UNAVAILABLE', { engine: 'torch', setting: 'CONSILIUM_PYTHON' });
    return openTorch({ python }, graph);
  },
  wasm: async (graph) => (await import('./tensorflow/open.js')).openTensorflow('wasm', graph),
  cpu: async (graph) => (await import('./tensorflow/open.js')).openTensorflow('cpu', graph),
};

/** The engines that `auto` tries, best first. */
export const LADDER: readonly EngineName[] = ['onnx', 'wasm', 'cpu'];

/**
 * Starts an engine and puts it through the self-test. What an engine needs is loaded here and not before, so that
 * importing this library costs nothing.
 *
 * @param name an engine, or `auto` for the first of the ladder that starts and computes right gradients
 * @param graph what will be trained, so that only its operations are tested; left away, all are
 * @throws Fault ENGINE_UNAVAILABLE, ENGINE_SELF_TEST_FAILED with the operation and its error
 */
export async function openEngine(name: 'auto' | EngineName, graph?: Graph): Promise<Engine> {
  if (name !== 'auto') return OPENERS[name](graph);
  const failures: Fault[] = [];
  for (const candidate of LADDER) {
    try {
      return await OPENERS[candidate](graph);
    } catch (error) {
      // The next engine may do; if none does, the first failure is the one that matters.
      failures.push(Fault.from(error, 'ENGINE_UNAVAILABLE'));
    }
  }
  throw failures[0]!;
}
