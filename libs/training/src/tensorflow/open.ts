import type { Graph } from '@consilium/model';
import { invariant } from '@consilium/stdx';
import type { Weights } from '@consilium/weights';
import { version_core as version } from './tfjs.js';
import type { Engine, EngineName } from '../engine.js';
import type { FitHooks, FitJob, FitResult } from '../job.js';
import { selfTest } from '../self-test/self-test.js';
import { fit } from './fit.js';
import { predict } from './predict.js';
import { inTurn } from './turns.js';

/**
 * An engine of TensorFlow.js that has passed the self-test.
 *
 * @throws Fault ENGINE_UNAVAILABLE, ENGINE_SELF_TEST_FAILED
 */
export async function openTensorflow(name: EngineName): Promise<Engine> {
  const tested = await inTurn(name, async () => selfTest());
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

  predict(graph: Graph, weights: Weights, images: Float32Array, count: number): Promise<Float32Array> {
    return this.#work(() => predict(graph, weights, images, count));
  }

  close(): void {
    this.#open = false;
  }

  #work<T>(work: () => Promise<T>): Promise<T> {
    invariant(this.#open, 'a closed engine is not used');
    return inTurn(this.name, work);
  }
}
