import type { Graph } from '@consilium/model';
import { invariant } from '@consilium/stdx';
import type { Weights } from '@consilium/weights';
import { version_core as version } from './tfjs.js';
import type { Engine, EngineName } from '../engine.js';
import type { Head } from '../fitting/head.js';
import type { FitHooks, FitJob, FitResult, GradientJob, GradientResult } from '../job.js';
import { operationsOf } from '../self-test/operations.js';
import { selfTest } from '../self-test/self-test.js';
import { fit, gradient } from './fit.js';
import { predict } from './predict.js';
import { inTurn } from './turns.js';

/**
 * An engine of TensorFlow.js that has passed the self-test.
 *
 * @param graph what will be trained: only the operations that it needs are tested; left away, all are
 * @throws Fault ENGINE_UNAVAILABLE, ENGINE_SELF_TEST_FAILED
 */
export async function openTensorflow(name: EngineName, graph?: Graph): Promise<Engine> {
  const tested = await inTurn(name, () => selfTest(gradient, graph && operationsOf(graph)));
  return new TensorflowEngine(name, tested);
}

class TensorflowEngine implements Engine {
  readonly version = version;
  /** One thread, no Math.random, and WebAssembly defines every result of its float32 arithmetic. */
  readonly deterministic = true;
  #open = true;

  constructor(
    readonly name: EngineName,
    readonly selfTest: { readonly maxError: number },
  ) {}

  fit(job: FitJob, hooks: FitHooks = {}): Promise<FitResult> {
    return this.#work(() => fit(job, hooks));
  }

  gradient(job: GradientJob): Promise<GradientResult> {
    return this.#work(() => gradient(job));
  }

  predict(graph: Graph, weights: Weights, images: Float32Array, count: number, head?: Head): Promise<Float32Array> {
    return this.#work(() => predict(graph, weights, images, count, head));
  }

  close(): void {
    this.#open = false;
  }

  #work<T>(work: () => Promise<T>): Promise<T> {
    invariant(this.#open, 'a closed engine is not used');
    return inTurn(this.name, work);
  }
}
