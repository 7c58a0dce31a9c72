import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryModelFiles } from '../adapters/memory/files.js';
import { MemoryRegistry, MemoryRunStore, MemoryStudyStore, MemoryTables } from '../adapters/memory/stores.js';
import { TestApi } from '../fixtures/api.fixture.js';
import { ADMIN, keyOf, PROPOSER } from '../fixtures/keys.fixture.js';
import { alpha, envelopeOf, governance, planJson, studyJson } from '../fixtures/plan.fixture.js';
import { NO_METRICS } from '../metrics.js';
import type { ModelVersionRecord } from '../records.js';

const tables = new MemoryTables();
const models = new MemoryModelFiles();
const studies = new MemoryStudyStore(tables);
const runs = new MemoryRunStore(tables);
const registry = new MemoryRegistry(tables);

let api: TestApi;
/** Of the plan that the tests here run. */
let digest: string;
const ask: TestApi['ask'] = (path, question) => api.ask(path, question);
beforeAll(async () => {
  api = await TestApi.open({ studies, runs, registry, models });
});
afterAll(() => api.hub.close());

describe('studies and plans', () => {
  const study = studyJson();
  const sealed = (people = [PROPOSER], plan: unknown = completed) => ({
    envelope: Buffer.from(envelopeOf(plan, people)).toString('base64'),
  });
  let completed: unknown;

  it('are registered once, shown and listed', async () => {
    const { name, title, purpose, ...terms } = study;
    const created = await ask('/api/v1/studies', { body: study });
    const document = expect.stringMatching(/^[0-9a-f]{64}$/) as unknown;
    const told = { name, title, purpose, terms, document, createdMs: expect.any(Number) as unknown };
    expect(created).toMatchObject({ status: 201, json: told });
    expect((await ask('/api/v1/studies', { body: study })).json).toEqual(created.json);
    expect((await ask('/api/v1/studies', { body: { ...study, title: 'Other' } })).json).toMatchObject({
      error: { code: 'ALREADY_EXISTS', facts: { study: 'trial' } },
    });
    expect((await ask('/api/v1/studies')).json).toEqual({ studies: [created.json] });
  });

  it('are completed, proposed by one person, signed by another, and then ready', async () => {
    const draft = await ask('/api/v1/studies/trial/plans/complete', { body: planJson() });
    expect(draft).toMatchObject({ status: 200, json: { plan: { governance: governance(), roster: { version: 1 } } } });
    completed = draft.json['plan'];
    digest = String(draft.json['digest']);
    expect((await ask('/api/v1/studies/trial')).json).toMatchObject({ plans: [] });

    const proposed = await ask('/api/v1/studies/trial/plans', { body: sealed() });
    const { person } = PROPOSER;
    expect(proposed).toMatchObject({
      status: 201,
      json: { digest, study: 'trial', plan: completed, ...sealed(), signers: [{ person }], refusal: 'PLAN_NOT_SIGNED' },
    });
    expect(await ask('/api/v1/runs', { body: { planDigest: digest } })).toMatchObject({
      status: 409,
      json: { error: { code: 'PLAN_NOT_SIGNED' } },
    });

    const both = sealed([PROPOSER, ADMIN]);
    const signed = await ask(`/api/v1/plans/${digest}/signatures`, { body: both });
    expect(signed).toMatchObject({ status: 200, json: { digest, ...both, refusal: null } });
    expect((await ask(`/api/v1/plans/${digest}`)).json).toEqual(signed.json);
    expect((await ask('/api/v1/studies/trial')).json).toMatchObject({ plans: [{ digest }], runs: [] });
  });

  it('gather no signature of strangers, of other plans, or of what is no envelope', async () => {
    const sign = async (body: unknown) =>
      (await ask(`/api/v1/plans/${digest}/signatures`, { body })).json['error']?.['code'];
    expect(await sign(sealed([{ ...ADMIN, key: keyOf('a stranger') }]))).toBe('SIGNATURE_INVALID');
    expect(await sign(sealed([PROPOSER, ADMIN], { ...(completed as object), seed: 2 }))).toBe('PLAN_DIGEST_MISMATCH');
    expect(await sign({ envelope: Buffer.from('{}').toString('base64') })).toBe('ENVELOPE_INVALID');
    expect(await sign({ envelope: 'not base64!' })).toBe('REQUEST_INVALID');
  });

  it.each<[string, unknown, number, string, object]>([
    ['a name with capitals', { ...study, name: 'Trial' }, 400, 'REQUEST_INVALID', { path: 'name' }],
    ['an unknown field', { ...study, colour: 'red' }, 400, 'REQUEST_INVALID', {}],
    ['no body', {}, 400, 'REQUEST_INVALID', { path: 'name', problems: 8 }],
    ['an ethics approval without an end', { ...study, ethics: {} }, 400, 'REQUEST_INVALID', { path: 'ethics.number' }],
    ['a country of nowhere', { ...study, jurisdictions: ['XX'] }, 400, 'REQUEST_INVALID', {}],
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
    expect(await ask('/api/v1/studies/trial/plans/complete', { body: { ...planJson(), ...change } })).toMatchObject({
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
    expect(await ask('/api/v1/studies/none/plans/complete', { body: planJson() })).toMatchObject({ status: 404 });
    expect(await ask('/api/v1/plans/not-a-digest')).toMatchObject({
      status: 400,
      json: { error: { code: 'REQUEST_INVALID' } },
    });
  });
});

describe('runs', () => {
  it('start on a plan, are listed and filtered, and are steered', async () => {
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
