import { Fault, invariant } from '@consilium/stdx';
import type { Program } from './graph-builder.js';
import type * as Runtime from 'onnxruntime-node';

/** Arrays by name. */
export type Arrays = Readonly<Record<string, Float32Array>>;

export interface SessionOptions {
  /** Threads of one operator; with more than 1 the order of additions, and so the last bit, may change. */
  readonly threads: number;
}

/** ONNX Runtime, loaded when it is asked for the first time. @throws Fault ENGINE_UNAVAILABLE */
export async function loadRuntime(): Promise<typeof Runtime> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    throw new Fault('ENGINE_UNAVAILABLE', { engine: 'onnx' }, error);
  }
}

/** A program that ONNX Runtime has made ready on the CPU. */
export class Session {
  private constructor(
    private readonly runtime: typeof Runtime,
    private readonly session: Runtime.InferenceSession,
    private readonly program: Program,
  ) {}

  /** @throws Fault ENGINE_UNAVAILABLE, ENGINE_UNSUPPORTED for an operator that this release lacks */
  static async open(program: Program, { threads }: SessionOptions): Promise<Session> {
    const runtime = await loadRuntime();
    try {
      const session = await runtime.InferenceSession.create(program.bytes, {
        executionProviders: ['cpu'],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: 'all',
        logSeverityLevel: 4,
        // Threads that wait in a loop take the cores that the agent and its neighbours need.
        extra: { session: { intra_op: { allow_spinning: '0' } } },
      });
      return new Session(runtime, session, program);
    } catch (error) {
      if (isMissingOperator(error)) throw new Fault('ENGINE_UNSUPPORTED', { feature: 'an operator' }, error);
      throw error;
    }
  }

  /** Runs the program once. The arrays that come back are the caller's own. Throws ONNX Runtime's own errors. */
  async run(arrays: Arrays): Promise<Arrays> {
    const feeds: Record<string, Runtime.Tensor> = {};
    for (const [name, shape] of this.program.inputs) {
      const values = arrays[name];
      invariant(values !== undefined, 'a program is fed with all that it wants');
      feeds[name] = new this.runtime.Tensor('float32', values, shape);
    }
    const results = await this.session.run(feeds);
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}

/** ONNX Runtime's NOT_IMPLEMENTED, for which there is only the message. */
const isMissingOperator = (error: unknown): boolean =>
  error instanceof Error && /NOT_IMPLEMENTED|could not find an implementation/i.test(error.message);
