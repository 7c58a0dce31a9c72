import { encodeSafetensors } from '@consilium/weights';
import { createHash } from 'node:crypto';
import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { modelDigestOf, trainBaseline } from './baseline.js';
import { changed, modelOf, planOf } from './plan.fixture.js';
import { imageSpecOf } from './ports.js';
import { MemoryTrainer } from './twins.fixture.js';

const plan = planOf();
const terms = { plan, data: { folders: ['/a', '/b'], spec: imageSpecOf(plan) }, label: 'pooled' };
const never = new AbortController().signal;

describe('the baseline', () => {
  it('starts from the plan’s own initial weights and trains for the plan’s rounds', async () => {
    const trainer = new MemoryTrainer();
    await trainBaseline(terms, trainer, never);
    expect(trainer.trained.map(({ round }) => round)).toEqual([1, 2, 3]);
    expect(trainer.trained[0]?.weights.values).toEqual(modelOf(plan).values);
    expect(trainer.trained.every(({ label, data }) => label === 'pooled' && data === terms.data)).toBe(true);
  });

  it('goes on in each round from what the last one made, as a federation of one does', async () => {
    const trainer = new MemoryTrainer();
    const model = await trainBaseline(terms, trainer, never);
    const oneRound = changed(modelOf(plan), (value) =>
      Math.fround(value + Math.fround(Math.fround(value + 0.01) - value)),
    );
    expect(trainer.trained[1]?.weights.values).toEqual(oneRound.values);
    expect(model.values.every((value, i) => Math.abs(value - modelOf(plan).values[i]! - 0.03) < 1e-6)).toBe(true);
  });

  it('ends with what stopped it', async () => {
    const trainer = new MemoryTrainer();
    trainer.fails = new Fault('TRAINING_NOT_FINITE');
    await expect(trainBaseline(terms, trainer, never)).rejects.toMatchObject({ code: 'TRAINING_NOT_FINITE' });
    expect(trainer.trained).toHaveLength(1);
  });

  it('names a model by the SHA-256 of its file', () => {
    const model = modelOf(plan);
    expect(modelDigestOf(model)).toBe(createHash('sha256').update(encodeSafetensors(model)).digest('hex'));
  });
});
