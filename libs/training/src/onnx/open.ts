import type { Graph } from '@consilium/model';
import { Fault, invariant } from '@consilium/stdx';
import type { Weights } from '@consilium/weights';
import type { Engine } from '../engine.js';
import type { Head } from '../fitting/head.js';
import { isOutOfMemory } from '../fitting/out-of-memory.js';
import type { FitHooks, FitJob, FitResult, GradientJob, GradientResult } from '../job.js';
import { selfTest } from '../self-test/self-test.js';
import { findBlockSize } from './block-size.js';
import { fit } from './fit.js';
import type { Machine } from './machine.js';
import { gradient, Gradients } from './gradient.js';
import { predict } from './predict.js';
import type { Target } from './programs.js';
import { operationsFor } from './self-test.js';
import { loadRuntime } from './session.js';

export interface OnnxOptions {
  /** Left away: 1, which gives the same bits again. */
  readonly threads?: number;
  /** Left away: the fastest layout that this processor has, which is probed. */
  readonly target?: Target;
}

/**
 * ONNX Runtime on the CPU, running training graphs that we generate, once it has passed the self-test.
 *
 * @param graph what will be trained: only the operations that it needs are tested; left away, all are
 * @throws Fault ENGINE_UNAVAILABLE, ENGINE_SELF_TEST_FAILED
 */
export async function openOnnx(graph?: Graph, { threads = 1, target }: OnnxOptions = {}): Promise<Engine> {
  const runtime = await loadRuntime();
  const machine: Machine = { threads, target: target ?? { block: await findBlockSize({ threads }) } };
  const gradients = new Gradients(machine);
  try {
    const tested = await selfTest((job) => gradients.at(job), operationsFor(graph));
    return new OnnxEngine(runtime.env.versions.node ?? runtime.env.versions.common, machine, tested);
  } finally {
    await gradients.close();
  }
}

class OnnxEngine implements Engine {
  readonly name = 'onnx';
  /** Sums of several threads may be added in another order. */
  readonly deterministic: boolean;
  #open = true;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    /** The release of ONNX Runtime. */
    readonly version: string,
    private readonly machine: Machine,
    readonly selfTest: { readonly maxError: number },
  ) {
    this.deterministic = machine.threads === 1;
  }

  fit(job: FitJob, hooks: FitHooks = {}): Promise<FitResult> {
    return this.#inTurn(() => fit(job, hooks, this.machine));
  }

  gradient(job: GradientJob): Promise<GradientResult> {
    return this.#inTurn(() => gradient(job, this.machine));
  }

  predict(graph: Graph, weights: Weights, images: Float32Array, count: number, head?: Head): Promise<Float32Array> {
    return this.#inTurn(() => predict(graph, weights, images, count, this.machine, head));
  }

  close(): void {
    this.#open = false;
  }

  /** One piece of work after the other, so that memory is wanted once. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    invariant(this.#open, 'a closed engine is not used');
    const result = this.#last.then(work).catch((error: unknown) => {
      throw isOutOfMemory(error) ? new Fault('OUT_OF_MEMORY', {}, error) : error;
    });
    this.#last = result.catch(() => undefined);
    return result;
  }
}
