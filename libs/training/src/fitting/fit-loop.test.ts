import { deserialize, serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import type { FitHooks, FitJob, FitProgress, FitResult } from '../job.js';
import { jobOn, LOGISTIC } from '../tensorflow/graphs.fixture.js';
import { fitLoop } from './fit-loop.js';
import type { FitState } from './fit-state.js';
import { LinearEngine } from './linear.fixture.js';
import { objectiveOf } from './objective.js';
import type { OptimizerSpec } from './optimizer.js';

const ADAM: OptimizerSpec = { type: 'adam', beta1: 0.9, beta2: 0.999 };
const OPTIMIZERS: OptimizerSpec[] = [{ type: 'sgd', momentum: 0 }, { type: 'sgd', momentum: 0.9 }, ADAM];

async function run(changes: Partial<FitJob> = {}, hooks: FitHooks = {}, samplesMax?: number): Promise<FitResult> {
  const job = jobOn(LOGISTIC, { steps: 9, ...changes });
  const objective = objectiveOf(job);
  return fitLoop(job, hooks, objective, new LinearEngine(objective, samplesMax));
}

describe('a job that goes on from a state', () => {
  it.each(OPTIMIZERS)('has the bits of one that was never broken ($type, $momentum)', async (optimizer) => {
    const job: Partial<FitJob> = {
      optimizer,
      weightDecay: 0.1,
      schedule: { shape: 'cosine', warmUpSteps: 2 },
      clipNorm: 0.2,
      proximal: 0.1,
    };
    const whole = await run(job);
    const kept: Buffer[] = [];
    const abort = new AbortController();
    const broken = run(job, {
      onState: (state) => kept.push(serialize(state)),
      stateEvery: 2,
      onProgress: ({ step }) => step === 7 && abort.abort(),
      signal: abort.signal,
    });
    await expect(broken).rejects.toMatchObject({ code: 'CANCELLED', facts: { step: 8 } });
    expect(kept).toHaveLength(3);
    for (const bytes of kept) {
      expect(await run(job, { resume: deserialize(bytes) as FitState })).toEqual(whole);
    }
  });

  it('leaves the state as it was, so that it can be used again', async () => {
    const states: FitState[] = [];
    await run({ optimizer: ADAM }, { onState: (state) => states.push(state), stateEvery: 4 });
    const [state] = states;
    const before = serialize(state);
    await run({ optimizer: ADAM }, { resume: state! });
    expect(serialize(state).equals(before)).toBe(true);
  });

  it('tells no state where nobody asks, nor after the last step', async () => {
    const steps: number[] = [];
    await run({ steps: 4 }, { onState: ({ step }) => steps.push(step), stateEvery: 2 });
    expect(steps).toEqual([2]);
  });

  it('does not go on from another model’s state', async () => {
    const resume: FitState = { step: 1, values: new Float32Array(9), slots: [], lossSum: 0, microBatches: 1 };
    await expect(run({}, { resume })).rejects.toThrow('a state of its own');
  });
});

describe('a batch that does not fit into memory', () => {
  it('goes in parts, says so, and teaches the same', async () => {
    const whole = await run({ optimizer: ADAM });
    const told: FitProgress[] = [];
    const job = jobOn(LOGISTIC, { steps: 9, optimizer: ADAM });
    const objective = objectiveOf(job);
    const engine = new LinearEngine(objective, 3);
    const parted = await fitLoop(job, { onProgress: (progress) => told.push(progress) }, objective, engine);
    expect(told.every(({ microBatches }) => microBatches === 4)).toBe(true);
    // 8 and 4 samples were too many once; after that nothing is tried twice.
    expect(engine.seen).toEqual([8, 4, ...new Array<number>(36).fill(2)]);
    parted.weights.values.forEach((value, i) => expect(value).toBeCloseTo(whole.weights.values[i]!, 6));
    expect(parted.loss).toBeCloseTo(whole.loss, 6);
  });

  it('that cannot be divided evenly has a shorter last part', async () => {
    const whole = await run({ batchSize: 7 });
    const parted = await run({ batchSize: 7 }, {}, 4);
    parted.weights.values.forEach((value, i) => expect(value).toBeCloseTo(whole.weights.values[i]!, 6));
  });

  it('is refused with the step where not even one sample fits', async () => {
    await expect(run({}, {}, 0)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', facts: { step: 1, samples: 1 } });
  });

  it('is refused for Cox’s loss, whose risk sets are those of the whole batch', async () => {
    const labels = Float32Array.from({ length: 48 }, (_, i) => (i % 2 === 0 ? i : 1));
    const cox: Partial<FitJob> = { loss: 'cox-partial-likelihood', labels };
    await expect(run(cox, {}, 3)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', facts: { step: 1, samples: 8 } });
    expect((await run(cox)).loss).toBeGreaterThan(0);
  });

  it('does not hide other errors', async () => {
    const job = jobOn(LOGISTIC);
    const objective = objectiveOf(job);
    const engine = new LinearEngine(objective);
    engine.differentiate = () => {
      throw new TypeError('a bug');
    };
    await expect(fitLoop(job, {}, objective, engine)).rejects.toThrow('a bug');
  });
});

describe('what a job answers', () => {
  it('has personal layers as they came, and as they are now apart', async () => {
    const job = jobOn(LOGISTIC);
    const plain = await run();
    const { weights, personal } = await run({ personal: ['logit'] });
    expect(weights.values).toEqual(job.weights.values);
    expect(personal).toEqual(plain.weights.values);
    expect(plain).not.toHaveProperty('personal');
  });

  it('has frozen layers bit by bit as they came, whatever decays', async () => {
    const { weights } = await run({ frozen: ['logit'], weightDecay: 0.5 });
    expect(weights.values).toEqual(jobOn(LOGISTIC).weights.values);
  });

  it('is refused for a frozen or personal layer that is none', async () => {
    await expect(run({ personal: ['head'] })).rejects.toMatchObject({
      code: 'GRAPH_INVALID',
      facts: { layer: 'head' },
    });
    await expect(run({ frozen: ['logits'] })).rejects.toMatchObject({
      code: 'GRAPH_INVALID',
      facts: { layer: 'logits' },
    });
  });

  it('stays near the start under FedProx', async () => {
    const distance = async (changes: Partial<FitJob>): Promise<number> => {
      const { weights } = await run({ steps: 60, learningRate: 0.1, ...changes });
      return Math.hypot(...weights.values.map((value, i) => value - jobOn(LOGISTIC).weights.values[i]!));
    };
    expect(await distance({ proximal: 2 })).toBeLessThan(0.5 * (await distance({})));
  });
});
