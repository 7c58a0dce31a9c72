import { fileURLToPath } from 'node:url';
import type { DatasetManifest, SplitName } from '@consilium/dataset';
import { Fault } from '@consilium/stdx';
import { spawnSandboxed, type EngineName, type Metrics, type SandboxedChild } from '@consilium/training';
import type { DataSource, EngineFacts, Evaluating, Progress, Trained, Trainer, Training } from '../ports.js';
import type { ReplyOf, RequestOf, TrainerProtocol } from './protocol.js';
import { fitTerms } from './terms.js';

export interface TrainerOptions {
  readonly engine: 'auto' | EngineName;
  readonly sandbox: 'on' | 'off';
  /** Of the engine `torch`. */
  readonly python?: string | undefined;
}

/** V8's own heap; samples and weights lie outside it. */
const HEAP_MB = 1024;
/** Training lets the agent's own few milliseconds, and the hospital's other programs, go first. */
const NICE = 5;
/** A child that is told to stop may finish its step; the whole agent must be gone within three seconds. */
const GRACE_MS = 1_500;
/** A piece of work whose process died is begun once more, from the start and with the same bits. */
const TRIES = 2;

/** The trainer in a process of its own: started when first needed, kept between rounds with its data, replaced when it dies. */
export function openTrainer(
  options: TrainerOptions,
  modulePath = fileURLToPath(new URL('./child.js', import.meta.url)),
): Trainer & { speed(): Promise<number> } {
  return new ChildTrainer(options, modulePath);
}

type Child = SandboxedChild<TrainerProtocol>;

class ChildTrainer implements Trainer {
  #child: Promise<Child> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    private readonly options: TrainerOptions,
    private readonly modulePath: string,
  ) {}

  async open(): Promise<EngineFacts> {
    const facts = await this.#work('open', null);
    const { isolated } = await this.#started();
    return { ...facts, sandbox: isolated ? 'on' : 'off' };
  }

  /** Images per second on a standard model, so that an administrator can compare engines. */
  speed(): Promise<number> {
    return this.#work('speed', null);
  }

  load(data: DataSource, needs: readonly SplitName[]): Promise<DatasetManifest> {
    return this.#work('load', { data, needs });
  }

  async train(
    { data, dataDigest, plan, round, label, weights }: Training,
    signal: AbortSignal,
    onProgress?: (progress: Progress) => void,
  ): Promise<Trained> {
    const { manifest, values: before } = weights;
    const request = { data, dataDigest, terms: fitTerms(plan, round, label), values: before };
    const { values, loss, steps, examples } = await this.#work('train', request, signal, onProgress);
    if (!(values instanceof Float32Array) || values.length !== manifest.size) {
      throw new Fault('WEIGHTS_MISMATCH', { expectedValues: manifest.size });
    }
    return { weights: { manifest, values }, loss, steps, examples };
  }

  evaluate({ data, dataDigest, plan, weights }: Evaluating, signal: AbortSignal): Promise<Metrics> {
    return this.#work('evaluate', { data, dataDigest, graph: plan.model, values: weights.values }, signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const child = await this.#child?.catch(() => undefined);
    await child?.stop();
  }

  /** One piece of work at a time. TRAINING_DIED only after a second process died of it too. */
  #work<Name extends keyof TrainerProtocol & string>(
    name: Name,
    request: RequestOf<Name>,
    signal?: AbortSignal,
    onProgress?: (progress: TrainerProtocol[Name]['progress']) => void,
  ): Promise<ReplyOf<Name>> {
    const attempt = async (tries: number): Promise<ReplyOf<Name>> => {
      let child: Child | undefined;
      try {
        child = await this.#started();
        return await child.call(name, request, { ...(signal && { signal }), ...(onProgress && { onProgress }) });
      } catch (error) {
        if (this.#closed) throw new Fault('CANCELLED', {}, error);
        if (tries === 1 || !Fault.is(error, 'TRAINING_DIED')) throw error;
      }
      await child?.ended;
      return attempt(tries - 1);
    };
    const result = this.#last.then(() => attempt(TRIES));
    this.#last = result.catch(() => {}); // whoever asked hears of it; the next piece begins all the same
    return result;
  }

  /** The living child; a dead one is forgotten, so that the next piece of work starts another. */
  #started(): Promise<Child> {
    if (this.#closed) return Promise.reject(new Fault('CANCELLED'));
    if (this.#child) return this.#child;
    const { engine, sandbox, python } = this.options;
    const { modulePath } = this;
    const starting: Promise<Child> = spawnSandboxed({
      modulePath,
      args: [engine],
      env: python === undefined ? {} : { CONSILIUM_PYTHON: python },
      sandbox,
      heapMb: HEAP_MB,
      nice: NICE,
      graceMs: GRACE_MS,
    });
    const forget = (): void => {
      if (this.#child === starting) this.#child = undefined;
    };
    starting.then((child) => child.ended.then(forget), forget);
    return (this.#child = starting);
  }
}
