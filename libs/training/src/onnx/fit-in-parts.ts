import { dropoutStream, type DropoutStream } from '../fitting/dropout.js';
import { fitLoop, type Differentiator, type Part } from '../fitting/fit-loop.js';
import type { Objective } from '../fitting/objective.js';
import type { FitHooks, FitJob, FitResult } from '../job.js';
import { maskFeeds, targetFeeds } from './feeds.js';
import type { Machine } from './machine.js';
import { partProgram, type DifferentiatingProgram } from './programs.js';
import { Session, type Arrays } from './session.js';

/** A job whose batches go through in parts, since they do not fit as a whole. */
export async function fitInParts(
  job: FitJob,
  hooks: FitHooks,
  objective: Objective,
  machine: Machine,
): Promise<FitResult> {
  const engine = new PartGradients(job, objective, machine);
  try {
    return await fitLoop(job, hooks, objective, engine);
  } finally {
    await engine.close();
  }
}

/** Copies the moving statistics that a run measured to where they stand. */
export function takeStatistics(
  values: Float32Array,
  results: Arrays,
  { statistics }: Pick<DifferentiatingProgram, 'statistics'>,
  { manifest }: Pick<Objective, 'manifest'>,
): void {
  for (const { name, offset } of manifest.tensors) {
    const moved = statistics.get(name);
    if (moved !== undefined) values.set(results[moved]!, offset);
  }
}

interface Opened {
  readonly count: number;
  readonly program: DifferentiatingProgram;
  readonly session: Session;
}

/** Gradients of parts; a program is kept until a part of another size comes. */
class PartGradients implements Differentiator {
  readonly #values: Float32Array;
  readonly #dropout: DropoutStream;
  #opened: Opened | undefined;

  constructor(
    private readonly job: FitJob,
    private readonly objective: Objective,
    private readonly machine: Machine,
  ) {
    this.#values = new Float32Array(objective.manifest.size);
    this.#dropout = dropoutStream(job.seed);
  }

  write(values: Float32Array): void {
    this.#values.set(values);
  }

  writeTrained(values: Float32Array): void {
    const { manifest, trainable } = this.objective;
    for (const { name, offset, size } of manifest.tensors) {
      if (trainable.has(name)) this.#values.set(values.subarray(offset, offset + size), offset);
    }
  }

  read(values: Float32Array): void {
    values.set(this.#values);
  }

  async differentiate({ images, labels, count, step, first, total }: Part, gradient: Float32Array): Promise<number> {
    const { program, session } = await this.#openedFor(count);
    this.#dropout.restart(step, first);
    const results = await session.run({
      images,
      weights: this.#values,
      ...targetFeeds(this.objective, labels, total),
      ...maskFeeds(program.dropouts, count, this.#dropout),
    });
    takeStatistics(this.#values, results, program, this.objective);
    gradient.set(results['gradient']!);
    return results['loss']![0]!;
  }

  async close(): Promise<void> {
    await this.#opened?.session.close();
    this.#opened = undefined;
  }

  async #openedFor(count: number): Promise<Opened> {
    if (this.#opened?.count === count) return this.#opened;
    await this.close();
    const terms = { ...this.objective, focalGamma: this.job.focalGamma };
    const program = partProgram(this.job.graph, count, terms, this.machine.target);
    this.#opened = { count, program, session: await Session.open(program, this.machine) };
    return this.#opened;
  }
}
