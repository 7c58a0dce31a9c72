import { createHash } from 'node:crypto';
import { manifestOf } from '@consilium/model';
import type { SiteName } from '@consilium/stdx';
import { decodeSafetensors, encodeSafetensors, layoutManifest, weightsOf, zeros } from '@consilium/weights';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Federation } from './fixtures/federation.fixture.js';
import { openTestHub, startRun, TOKEN, type TestHub } from './fixtures/hub.fixture.js';
import { alpha, beta, planJson, planOf } from './fixtures/plan.fixture.js';
import { FakeSite, until, type SiteHabits } from './fixtures/site.fixture.js';
import type { ModelView } from './registry/shapes.js';
import type { RunView } from './runs/shapes.js';

const manifest = manifestOf(planOf().plan.model);

let federation: Federation;
let hub: TestHub;
const opened: FakeSite[] = [];
beforeAll(async () => {
  federation = await Federation.found();
  hub = await openTestHub(federation);
});
afterAll(() => hub.close());
afterEach(() => opened.splice(0).forEach((site) => site.close()));

async function join(name: SiteName, habits: Partial<SiteHabits> = {}): Promise<FakeSite> {
  const site = new FakeSite(name, hub.grpc, await federation.site(name), { manifest, ...habits });
  opened.push(site);
  void site.serve();
  return site;
}
const ended = (id: string): Promise<RunView> =>
  until(async () => {
    const run = await hub.call<RunView>(`/api/v1/runs/${id}`);
    return run.endedMs !== null && run;
  });

describe('a run over mutual TLS', () => {
  it('goes from approval over the plan’s rounds to a published model', async () => {
    const [a, b] = [await join(alpha), await join(beta, { examples: 300 })];
    const id = await startRun(hub.call, planJson());
    const run = await ended(id);
    expect(run).toMatchObject({ state: 'finished', code: null, round: 2, rounds: 2, study: 'trial' });
    expect(run.history.map(({ round, outcome, contributors, auc }) => [round, outcome, contributors, auc])).toEqual([
      [1, 'published', ['alpha', 'beta'], 0.75],
      [2, 'published', ['alpha', 'beta'], 0.75],
    ]);
    expect(run.history[0]?.loss).toBeCloseTo(0.6, 12);
    expect([...a.faults, ...b.faults]).toEqual([]);
    const bytes = encodeSafetensors(zeros(manifest)).byteLength;
    // Two updates up; down the initial model, that of the first round, and the last one to measure.
    expect(run.sites).toMatchObject([
      {
        name: 'alpha',
        decision: 'approved',
        examples: 100,
        bytesUp: 2 * bytes,
        bytesDown: 3 * bytes,
        metrics: { auc: { value: 0.75 }, examples: 50 },
      },
      { name: 'beta', decision: 'approved', examples: 300, bytesUp: 2 * bytes, bytesDown: 3 * bytes },
    ]);
    // The word of the end may still be on its way when the run says that it has ended.
    await until(() => a.heard.at(-1)?.body === 'runEnded');
    expect(a.heard.map(({ body }) => body)).toEqual([
      'welcome',
      'planOffer',
      'roundOffer',
      'roundClosed',
      'roundOffer',
      'roundClosed',
      'evaluationOffer',
      'runEnded',
    ]);
  });

  it('publishes a safetensors file that holds no id and no time, and beside it everything that made it', async () => {
    const [{ modelDigest }] = (await hub.call<{ runs: [RunView] }>('/api/v1/runs?state=finished')).runs;
    const response = await fetch(`${hub.url}/api/v1/models/${modelDigest}/weights`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(modelDigest);
    expect(decodeSafetensors(bytes).manifest).toEqual(manifest);
    expect(bytes).toEqual(encodeSafetensors(decodeSafetensors(bytes)));
    const model = await hub.call<ModelView>(`/api/v1/models/${modelDigest}`);
    expect(model.metrics.map(({ site, metrics }) => [site, metrics?.auc?.value, metrics?.sensitivity])).toEqual([
      ['alpha', 0.75, null],
      ['beta', 0.75, null],
      [null, 0.75, null],
    ]);
    expect(model.rounds).toHaveLength(2);
    expect(model.rounds[1]?.baseDigest).toBe(model.rounds[0]?.modelDigest);
    expect(model.rounds[1]?.modelDigest).toBe(modelDigest);
    expect(model.rounds[0]?.updates.map(({ site, examples }) => [site, examples])).toEqual([
      ['alpha', 100],
      ['beta', 300],
    ]);
  });

  it('prints the same digest for the same plan and updates, whoever comes first', async () => {
    const b = await join(beta, { examples: 300 });
    const id = await startRun(hub.call, planJson());
    await until(() => b.heard.some(({ body }) => body === 'planOffer'));
    await join(alpha);
    const run = await ended(id);
    const digests = (await hub.call<{ runs: RunView[] }>('/api/v1/runs?state=finished')).runs.map(
      ({ modelDigest }) => modelDigest,
    );
    expect(digests).toEqual([run.modelDigest, run.modelDigest]);
  });
});

describe('a site that misbehaves', () => {
  const nan = encodeSafetensors(weightsOf(manifest, new Float32Array(manifest.size).fill(NaN)));
  const wrong = encodeSafetensors(zeros(layoutManifest([{ name: 'other', shape: [manifest.size] }])));

  it.each([
    ['NaN', nan, 'UPDATE_NOT_FINITE'],
    ['tensors of another model', wrong, 'WEIGHTS_MISMATCH'],
  ])('with %s is told why, is dropped from the round, and the run goes on', async (_, bytes, code) => {
    await join(alpha);
    const b = await join(beta, { update: () => bytes });
    const id = await startRun(hub.call, planJson({ rounds: { minSites: 1 }, seed: bytes.byteLength }));
    const run = await ended(id);
    expect(run.state).toBe('finished');
    expect(run.history.map(({ contributors }) => contributors)).toEqual([['alpha'], ['alpha']]);
    expect(run.sites[1]).toMatchObject({ name: 'beta', dropped: 'update-refused' });
    expect(b.faults.map((fault) => fault.code)).toEqual([code, code]);
  });

  it('rejects the plan: the run fails with its code', async () => {
    await join(alpha);
    await join(beta, { approve: false });
    const run = await ended(await startRun(hub.call, planJson()));
    expect(run).toMatchObject({ state: 'failed', code: 'PLAN_REJECTED', history: [] });
    expect(run.sites.map(({ decision }) => decision)).toEqual(['approved', 'rejected']);
  });

  it('sends its update twice: the second is a duplicate', async () => {
    const receipts: unknown[] = [];
    const twice: SiteHabits['send'] = async ({ channel }, header, bytes) => {
      receipts.push(await channel.upload({ header, bytes }));
      receipts.push(await channel.upload({ header, bytes }));
    };
    await join(alpha, { send: twice });
    await join(beta);
    const run = await ended(await startRun(hub.call, planJson({ rounds: { count: 1 } })));
    expect(run.history[0]?.contributors).toEqual(['alpha', 'beta']);
    expect(receipts).toMatchObject([{ duplicate: false }, { duplicate: true }]);
  });

  it('is there twice: the newer session is served, the older one told', async () => {
    const older = await join(alpha);
    await until(() => older.heard.length > 0);
    const newer = await join(alpha);
    await until(() => newer.heard.length > 0);
    await until(() => older.faults.length > 0);
    expect(older.faults.map(({ code }) => code)).toEqual(['SESSION_REPLACED']);
  });
});

describe('an undecided round', () => {
  it('goes on after a pause, without the update that came before it', async () => {
    let sent = 0;
    const holding: SiteHabits['send'] = async (site, header, bytes) => {
      if (sent++ > 0) await site.channel.upload({ header, bytes });
    };
    await join(alpha);
    await join(beta, { send: holding });
    const id = await startRun(hub.call, planJson({ rounds: { count: 1 }, seed: 9 }));
    await until(async () => sent > 0 && (await hub.call<RunView>(`/api/v1/runs/${id}`)).sites[0]?.examples);
    await hub.call(`/api/v1/runs/${id}/pause`, undefined, 'POST');
    await hub.call(`/api/v1/runs/${id}/resume`, undefined, 'POST');
    const run = await ended(id);
    expect(run.history.map(({ attempt, outcome, reason }) => [attempt, outcome, reason])).toEqual([
      [1, 'abandoned', 'stopped'],
      [2, 'published', null],
    ]);
  });
});
