import { withoutDropout } from '../fitting/dropout.js';
import { objectiveOf } from '../fitting/objective.js';
import type { GradientJob, GradientResult } from '../job.js';
import { targetFeeds } from './feeds.js';
import type { Machine } from './machine.js';
import { gradientProgram } from './programs.js';
import { Session } from './session.js';

/** See {@link Engine.gradient}. */
export async function gradient(job: GradientJob, machine: Machine): Promise<GradientResult> {
  const session = await sessionFor(job, machine);
  try {
    return await run(session, job);
  } finally {
    await session.close();
  }
}

/**
 * Gradients of jobs of which many in a row are of one graph and size, as those of the self-test: the program stays open
 * until another is asked for.
 */
export class Gradients {
  #asked: { readonly graph: unknown; readonly count: number; readonly session: Session } | undefined;

  constructor(private readonly machine: Machine) {}

  async at(job: GradientJob): Promise<GradientResult> {
    if (this.#asked?.graph !== job.graph || this.#asked.count !== job.count) {
      await this.close();
      this.#asked = { graph: job.graph, count: job.count, session: await sessionFor(job, this.machine) };
    }
    return run(this.#asked.session, job);
  }

  async close(): Promise<void> {
    await this.#asked?.session.close();
    this.#asked = undefined;
  }
}

function sessionFor(job: GradientJob, machine: Machine): Promise<Session> {
  const terms = { ...objectiveOf(job), focalGamma: job.focalGamma };
  return Session.open(gradientProgram(withoutDropout(job.graph), job.count, terms, machine.target), machine);
}

async function run(session: Session, job: GradientJob): Promise<GradientResult> {
  const { images, weights, labels, count } = job;
  const feeds = { images, weights: weights.values, ...targetFeeds(objectiveOf(job), labels, count) };
  const results = await session.run(feeds);
  return { loss: results['loss']![0]!, gradient: results['gradient']! };
}
