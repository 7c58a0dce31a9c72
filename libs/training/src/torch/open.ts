import type { Graph } from '@consilium/model';
import { Fault, invariant } from '@consilium/stdx';
import type { Weights } from '@consilium/weights';
import type { Engine } from '../engine.js';
import type { Head } from '../fitting/head.js';
import type { FitHooks, FitJob, FitResult, GradientJob, GradientResult } from '../job.js';
import { operationsOf } from '../self-test/operations.js';
import { selfTest } from '../self-test/self-test.js';
import { fit, gradient } from './fit.js';
import { predict } from './predict.js';
import { TorchProgram, type TorchOptions } from './program.js';

/** The engine of PyTorch, and where it computes. */
export interface TorchEngine extends Engine {
  readonly device: 'cpu' | 'cuda';
}

/**
 * The engine of a site that has Python and PyTorch, once it has passed the self-test.
 *
 * @param graph what will be trained: only the operations that it needs are tested; left away, all are
 * @throws Fault ENGINE_UNAVAILABLE where there is no such Python, no torch or no such device; ENGINE_SELF_TEST_FAILED
 */
export async function openTorch(options: TorchOptions, graph?: Graph): Promise<TorchEngine> {
  const program = new TorchProgram(options);
  try {
    const { header } = await program.ask('hello').catch((error: unknown) => {
      throw new Fault('ENGINE_UNAVAILABLE', { engine: 'torch' }, error);
    });
    const device = header['device'] === 'cuda' ? 'cuda' : 'cpu';
    const tested = await selfTest((job) => gradient(program, job), graph && operationsOf(graph));
    return new PythonEngine(options, program, String(header['version']), device, tested);
  } catch (error) {
    await program.close();
    throw error;
  }
}

class PythonEngine implements TorchEngine {
  readonly name = 'torch';
  readonly deterministic: boolean;
  #open = true;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly options: TorchOptions,
    private program: TorchProgram,
    readonly version: string,
    readonly device: 'cpu' | 'cuda',
    readonly selfTest: { readonly maxError: number },
  ) {
    // On a GPU some of PyTorch's sums have no fixed order.
    this.deterministic = device === 'cpu';
  }

  fit(job: FitJob, hooks: FitHooks = {}): Promise<FitResult> {
    return this.#work((program) => fit(program, job, hooks));
  }

  gradient(job: GradientJob): Promise<GradientResult> {
    return this.#work((program) => gradient(program, job));
  }

  predict(graph: Graph, weights: Weights, images: Float32Array, count: number, head?: Head): Promise<Float32Array> {
    return this.#work((program) => predict(program, graph, weights, images, count, head));
  }

  close(): void {
    this.#open = false;
    void this.#last.finally(() => this.program.close());
  }

  /** One after the other; a program that died is replaced for the next piece of work. */
  #work<T>(work: (program: TorchProgram) => Promise<T>): Promise<T> {
    invariant(this.#open, 'a closed engine is not used');
    const turn = this.#last.then(() => {
      if (!this.program.alive) this.program = new TorchProgram(this.options);
      return work(this.program);
    });
    // The next in line comes whether or not this succeeds; its own caller hears of a failure.
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
