import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryModelFiles } from '../adapters/memory/files.js';
import { MemoryRegistry, MemoryRunStore, MemoryStudyStore, MemoryTables } from '../adapters/memory/stores.js';
import { TestApi } from '../fixtures/api.fixture.js';
import { alpha, planJson, planOf } from '../fixtures/plan.fixture.js';
import { NO_METRICS } from '../metrics.js';
import type { ModelVersionRecord } from '../records.js';

const tables = new MemoryTables();
const models = new MemoryModelFiles();
const studies = new MemoryStudyStore(tables);
const runs = new MemoryRunStore(tables);
const registry = new MemoryRegistry(tables);

let api: TestApi;
const ask: TestApi['ask'] = (path, question) => api.ask(path, question);
beforeAll(async () => {
  api = await TestApi.open({ studies, runs, registry, models });
});
afterAll(() => api.hub.close());

describe('studies and plans', () => {
  const study = { name: 'trial', title: 'A trial', purpose: 'To test.' };

  it('are created once, shown and listed', async () => {
    const created = await ask('/api/v1/studies', { body: study });
    expect(created).toMatchObject({ status: 201, json: { ...study, createdMs: expect.any(Number) } });
    expect((await ask('/api/v1/studies', { body: study })).json).toEqual(created.json);
    expect((await ask('/api/v1/studies', { body: { ...study, title: 'Other' } })).json).toMatchObject({
      error: { code: 'ALREADY_EXISTS', facts: { study: 'trial' } },
    });

    const proposed = await ask('/api/v1/studies/trial/plans', { body: planJson() });
    const { plan, record } = planOf();
    expect(proposed).toMatchObject({ status: 201, json: { digest: record.digest } });
    expect(proposed.json['plan']).toEqual(JSON.parse(JSON.stringify(plan)));
    expect((await ask('/api/v1/studies/trial/plans', { body: proposed.json['plan'] })).json['digest']).toBe(
      record.digest,
    );

    expect((await ask('/api/v1/studies')).json).toEqual({ studies: [created.json] });
    expect((await ask('/api/v1/studies/trial')).json).toMatchObject({
      ...study,
      plans: [{ digest: record.digest }],
      runs: [],
    });
    expect((await ask(`/api/v1/plans/${record.digest}`)).json).toMatchObject({
      digest: record.digest,
      study: 'trial',
      plan: { seed: 1 },
    });
  });

  it.each<[string, unknown, number, string, object]>([
    ['a name with capitals', { ...study, name: 'Trial' }, 400, 'REQUEST_INVALID', { path: 'name' }],
    ['an unknown field', { ...study, colour: 'red' }, 400, 'REQUEST_INVALID', {}],
    ['no body', {}, 400, 'REQUEST_INVALID', { path: 'name', problems: 3 }],
    ['what is not JSON', '{"name":', 400, 'REQUEST_INVALID', {}],
  ])('of %s are refused, without repeating it', async (_, body, status, code, facts) => {
    const answer = await ask('/api/v1/studies', { body });
    expect(answer).toMatchObject({ status, json: { error: { code, facts } } });
    expect(answer.text).not.toMatch(/Trial|red/);
  });

  it.each<[string, Record<string, unknown>, number, string, object]>([
    ['of another study', { study: 'other' }, 400, 'PLAN_INVALID', { path: 'study' }],
    ['of another federation', { federation: 'elsewhere' }, 400, 'PLAN_INVALID', { path: 'federation' }],
    ['without rounds', { rounds: undefined }, 400, 'PLAN_INVALID', { path: 'rounds', came: 'nothing' }],
    [
      'with a privacy mode of tomorrow',
      { privacy: { mode: 'private' } },
      400,
      'PLAN_NOT_SUPPORTED',
      { path: 'privacy.mode' },
    ],
    [
      'with a model beyond this coordinator’s bound',
      planJson({ hidden: 1200 }),
      400,
      'PLAN_NOT_SUPPORTED',
      { path: 'model', modelBytesMax: 4 << 20 },
    ],
  ])('%s are refused', async (_, change, status, code, facts) => {
    expect(await ask('/api/v1/studies/trial/plans', { body: { ...planJson(), ...change } })).toMatchObject({
      status,
      json: { error: { code, facts } },
    });
  });

  it('that are not there are NOT_FOUND', async () => {
    for (const path of [
      '/api/v1/studies/none',
      `/api/v1/plans/${'f'.repeat(64)}`,
      '/api/v1/runs/run-0000000000',
      `/api/v1/models/${'f'.repeat(64)}`,
      `/api/v1/models/${'f'.repeat(64)}/weights`,
      '/api/v1/nothing',
      '/',
    ]) {
      expect(await ask(path)).toMatchObject({ status: 404, json: { error: { code: 'NOT_FOUND' } } });
    }
    expect(await ask('/api/v1/studies/none/plans', { body: planJson() })).toMatchObject({ status: 404 });
    expect(await ask('/api/v1/plans/not-a-digest')).toMatchObject({
      status: 400,
      json: { error: { code: 'REQUEST_INVALID' } },
    });
  });
});

describe('runs', () => {
  it('start on a plan, are listed and filtered, and are steered', async () => {
    const { digest } = planOf().record;
    const started = await ask('/api/v1/runs', { body: { planDigest: digest } });
    expect(started).toMatchObject({
      status: 201,
      json: {
        study: 'trial',
        planDigest: digest,
        state: 'approval',
        code: null,
        round: 0,
        rounds: 2,
        endedMs: null,
        modelDigest: null,
        history: [],
      },
    });
    expect(started.json['sites']).toMatchObject([
      {
        name: 'alpha',
        connected: false,
        decision: 'pending',
        step: 0,
        steps: 4,
        loss: null,
        examples: null,
        bytesUp: 0,
        dropped: null,
        metrics: null,
      },
      { name: 'beta' },
    ]);
    const id = String(started.json['id']);
    const listed = async (query: string) =>
      Object.values((await ask(`/api/v1/runs${query}`)).json['runs']!).map((run) => run['id']);
    expect(await listed('')).toEqual([id]);
    expect(await listed('?state=approval&study=trial')).toEqual([id]);
    expect(await listed('?state=finished')).toEqual([]);
    expect(await ask('/api/v1/runs?state=sleeping')).toMatchObject({ status: 400 });

    for (const [verb, state] of [
      ['pause', 'paused'],
      ['resume', 'approval'],
      ['cancel', 'cancelled'],
    ]) {
      expect(await ask(`/api/v1/runs/${id}/${verb}`, { method: 'POST' })).toMatchObject({
        status: 200,
        json: { state },
      });
    }
    expect(await ask(`/api/v1/runs/${id}/resume`, { method: 'POST' })).toMatchObject({
      status: 409,
      json: { error: { code: 'RUN_TRANSITION_REFUSED', facts: { state: 'cancelled' } } },
    });
    expect((await ask(`/api/v1/runs/${id}`)).json).toMatchObject({ state: 'cancelled', endedMs: expect.any(Number) });
    expect(await ask('/api/v1/runs', { body: { planDigest: 'f'.repeat(64) } })).toMatchObject({ status: 404 });
  });
});

describe('models', () => {
  it('are listed, shown with all that made them, and downloaded byte for byte', async () => {
    const bytes = Buffer.alloc(600_000, 'weights');
    const digest = await models.put(bytes);
    const [run] = tables.runs.values();
    const version: ModelVersionRecord = {
      run: run!.id,
      digest,
      planDigest: run!.planDigest,
      round: 2,
      manifest: { tensors: [{ name: 'w', shape: [2], offset: 0, size: 2 }], size: 2 },
      metrics: [
        {
          site: alpha,
          examples: 3,
          metrics: { ...NO_METRICS, auc: { value: 0.9, low: 0.8, high: 1 } },
        },
      ],
      rounds: [],
      createdMs: 77,
    };
    tables.versions.set(run!.id, version);
    expect((await ask('/api/v1/models')).json).toEqual({
      models: [{ digest, planDigest: run!.planDigest, run: run!.id, round: 2, createdMs: 77 }],
    });
    expect((await ask(`/api/v1/models/${digest}`)).json).toMatchObject({
      manifest: version.manifest,
      metrics: [{ site: 'alpha', metrics: { auc: { value: 0.9 }, loss: null, examples: 3 } }],
      rounds: [],
    });
    const response = await api.fetch(`/api/v1/models/${digest}/weights`);
    expect([response.headers.get('content-type'), response.headers.get('content-length')]).toEqual([
      'application/octet-stream',
      '600000',
    ]);
    const got = Buffer.from(await response.arrayBuffer());
    expect(createHash('sha256').update(got).digest('hex')).toBe(digest);
  });

  it('of rounds that nobody published are not given out', async () => {
    const [run] = tables.runs.values();
    expect(await ask(`/api/v1/models/${run!.modelDigest}/weights`)).toMatchObject({ status: 404 });
  });
});
