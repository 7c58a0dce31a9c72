import type { ImageSpec, SiteData, SplitName } from '@consilium/dataset';
import { manifestOf, type Graph } from '@consilium/model';
import { canonicalJson, Fault, invariant, type Digest } from '@consilium/stdx';
import { measure, trainingSpeed, type Engine } from '@consilium/training';
import type { Weights } from '@consilium/weights';
import type { DataSource, Progress } from '../ports.js';
import { joinData } from './join.js';
import type { ReplyOf, RequestOf } from './protocol.js';

export interface TaskPorts {
  openEngine(): Promise<Engine>;
  /** Milliseconds that never go back. */
  monotonic(): number;
  loadSiteData(folder: string, spec: ImageSpec, needs: readonly SplitName[]): Promise<SiteData>;
}

/**
 * The work of the trainer's process. The data of the last folder asked for stay in memory between rounds, so that a
 * round starts at once; they are let go when other data are asked for, and with the process.
 */
export class Tasks {
  #engine: Promise<Engine> | undefined;
  #loaded: { key: string; data: SiteData } | undefined;

  constructor(private readonly ports: TaskPorts) {}

  async open(): Promise<ReplyOf<'open'>> {
    const { name, version, deterministic, selfTest } = await this.#opened();
    return { name, version, deterministic, selfTestMaxError: selfTest.maxError };
  }

  async speed(): Promise<ReplyOf<'speed'>> {
    return trainingSpeed(await this.#opened(), () => this.ports.monotonic());
  }

  async load({ data, needs }: RequestOf<'load'>): Promise<ReplyOf<'load'>> {
    // Always from the disk: this is where a person looks whether the folder is right now.
    this.#loaded = undefined;
    return (await this.#data(data, null, needs)).manifest;
  }

  async train(
    { data, dataDigest, terms, values }: RequestOf<'train'>,
    { signal, progress }: { signal: AbortSignal; progress(progress: Progress): void },
  ): Promise<ReplyOf<'train'>> {
    const { train } = await this.#data(data, dataDigest, ['train']);
    const onProgress = teller(progress, () => this.ports.monotonic());
    const { images, labels, count } = train;
    const job = { ...terms, weights: weightsOf(terms.graph, values), images, labels, count };
    const { weights, loss, steps } = await (await this.#opened()).fit(job, { onProgress, signal });
    return { values: weights.values, loss, steps, examples: count };
  }

  async evaluate({ data, dataDigest, graph, values }: RequestOf<'evaluate'>): Promise<ReplyOf<'evaluate'>> {
    const { test } = await this.#data(data, dataDigest, ['test']);
    const probabilities = await (
      await this.#opened()
    ).predict(graph, weightsOf(graph, values), test.images, test.count);
    return measure(test.labels, probabilities);
  }

  /** The folders' samples, from memory or disk; content other than `expected` throws DATA_CHANGED. */
  async #data(source: DataSource, expected: Digest | null, needs: readonly SplitName[]): Promise<SiteData> {
    const key = canonicalJson(source);
    if (this.#loaded?.key !== key) {
      this.#loaded = undefined; // let go of the old samples before the new ones need the memory
      const parts: SiteData[] = [];
      for (const folder of source.folders) parts.push(await this.ports.loadSiteData(folder, source.spec, []));
      this.#loaded = { key, data: joinData(parts) };
    }
    const { data } = this.#loaded;
    if (expected !== null && data.manifest.digest !== expected) throw new Fault('DATA_CHANGED');
    for (const split of needs) if (data[split].count === 0) throw new Fault('DATA_EMPTY', { split });
    return data;
  }

  /** The engine, through its self-test; started when it is first needed, since looking into a folder needs none. */
  #opened(): Promise<Engine> {
    return (this.#engine ??= this.ports.openEngine());
  }
}

const weightsOf = (graph: Graph, values: Float32Array): Weights => {
  const manifest = manifestOf(graph);
  invariant(values.length === manifest.size, 'weights have the size of their manifest');
  return { manifest, values };
};

/** Steps may take a millisecond, and each word to the parent costs some of it. */
const TELL_EVERY_MS = 200;

/** Tells the mean loss of the steps so far: of the first step, of the last, and now and then between them. */
function teller(tell: (progress: Progress) => void, monotonic: () => number): (progress: Progress) => void {
  let sum = 0;
  let nextMs = monotonic();
  return ({ step, steps, loss }) => {
    sum += loss;
    if (step < steps && monotonic() < nextMs) return;
    nextMs = monotonic() + TELL_EVERY_MS;
    tell({ step, steps, loss: sum / step });
  };
}
