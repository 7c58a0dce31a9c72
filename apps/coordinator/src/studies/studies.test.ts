import { parsePlan, planCanonicalJson, planDigest } from '@consilium/round';
import { manifestOf } from '@consilium/model';
import { digestOf, ManualClock, utf8, type StudyName } from '@consilium/stdx';
import { safetensorsByteLength } from '@consilium/weights';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryStudyStore, MemoryTables } from '../adapters/memory/stores.js';
import { planJson } from '../fixtures/plan.fixture.js';
import { Studies } from './studies.js';

const trial = 'trial' as StudyName;
const study = { name: trial, title: 'A trial', purpose: 'To test.' };
const clock = new ManualClock(1000);
let studies: Studies;
beforeEach(async () => {
  studies = new Studies(new MemoryStudyStore(new MemoryTables()), clock, {
    federation: 'demo',
    modelBytesMax: 1_000_000,
  });
  await studies.create(study);
});

describe('a study', () => {
  it('is dated once', async () => {
    clock.time += 5000;
    expect(await studies.create(study)).toEqual({ ...study, createdMs: clock.time - 5000 });
    expect(await studies.find(trial)).toEqual((await studies.list())[0]);
  });

  it('that is not there is NOT_FOUND, also for a plan', async () => {
    const none = 'none' as StudyName;
    await expect(studies.find(none)).rejects.toMatchObject({ code: 'NOT_FOUND', facts: { study: 'none' } });
    await expect(studies.propose(none, { ...planJson(), study: 'none' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a proposed plan', () => {
  it('is kept as the canonical JSON that its digest is the SHA-256 of', async () => {
    const { digest, document } = await studies.propose(trial, planJson());
    expect(digest).toBe(digestOf(utf8(document)));
    expect([digest, document]).toEqual([planDigest(parsePlan(planJson())), planCanonicalJson(parsePlan(planJson()))]);
    expect(await studies.plan(digest)).toMatchObject({ digest, study: trial, document });
  });

  it('has one digest however its fields are ordered and whether or not defaults are written out', async () => {
    const { digest, document } = await studies.propose(trial, planJson());
    const reversed = Object.fromEntries(Object.entries(planJson()).reverse());
    expect((await studies.propose(trial, reversed)).digest).toBe(digest);
    expect((await studies.propose(trial, JSON.parse(document))).digest).toBe(digest);
    expect(await studies.plans(trial)).toHaveLength(1);
    expect((await studies.propose(trial, planJson({ seed: 2 }))).digest).not.toBe(digest);
  });

  it('with a model of exactly the bound is taken, and one byte beyond it is not', async () => {
    const bytes = safetensorsByteLength(manifestOf(parsePlan(planJson()).model));
    const bounded = (modelBytesMax: number) =>
      new Studies(new MemoryStudyStore(new MemoryTables()), clock, { federation: 'demo', modelBytesMax });
    const [fits, exceeds] = [bounded(bytes), bounded(bytes - 1)];
    for (const one of [fits, exceeds]) await one.create(study);
    await fits.propose(trial, planJson());
    await expect(exceeds.propose(trial, planJson())).rejects.toMatchObject({
      code: 'PLAN_NOT_SUPPORTED',
      facts: { path: 'model', modelBytes: bytes, modelBytesMax: bytes - 1 },
    });
  });

  it.each([
    ['of another federation', { federation: 'other' }, 'PLAN_INVALID'],
    ['of another study', { study: 'other' }, 'PLAN_INVALID'],
    [
      'with differential privacy that nobody would do',
      { privacy: { mode: 'plain', epsilon: 1 } },
      'PLAN_NOT_SUPPORTED',
    ],
    ['whose quorum is more than its sites', { rounds: { count: 1, minSites: 3, deadlineSeconds: 1 } }, 'PLAN_INVALID'],
    ['that is no plan', null, 'PLAN_INVALID'],
  ])('%s is refused, and nothing is kept', async (_, change, code) => {
    const value = change === null ? null : { ...planJson(), ...change };
    await expect(studies.propose(trial, value)).rejects.toMatchObject({ code });
    expect(await studies.plans(trial)).toEqual([]);
  });
});
