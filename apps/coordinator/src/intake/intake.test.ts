import { manifestOf } from '@consilium/model';
import { concatBytes, Fault, type Code, type Digest, type SiteName } from '@consilium/stdx';
import { encodeSafetensors, layoutManifest, weightsOf, zeros } from '@consilium/weights';
import type { UpdateHeader } from '@consilium/wire';
import { describe, expect, it } from 'vitest';
import { alpha, beta, gamma, planOf } from '../fixtures/plan.fixture.js';
import { headerOf } from '../fixtures/scripted-site.fixture.js';
import { SiteHand } from '../fixtures/site-hand.fixture.js';
import { chunksOf, updateBytes } from '../fixtures/updates.fixture.js';
import { MemoryWorld, settled } from '../fixtures/world.fixture.js';
import { MACHINE } from '../people/person-id.js';

const manifest = manifestOf(planOf().plan.model);
const good = updateBytes(manifest, 'good');

/** A round that waits for the updates of alpha and beta. */
async function reporting(choices: Parameters<MemoryWorld['start']>[0] = {}) {
  const world = new MemoryWorld();
  const { id } = await world.start(choices);
  for (const site of [alpha, beta]) await world.connect(site);
  const active = world.conductor.find(id)!;
  for (const site of [alpha, beta]) await active.feed({ of: 'run', event: { type: 'plan-approved', site } });
  const header = (bytes: Uint8Array, change: Partial<UpdateHeader> = {}, site: SiteName = alpha): UpdateHeader => {
    const round = { run: id, round: 1, attempt: 1 };
    const of = { planDigest: active.terms.record.digest, modelDigest: active.course.round!.baseDigest };
    const told = { ...headerOf(bytes), round, ...of, ...change };
    const statement = new SiteHand(site).statement({ ...told, round: told.round ?? round }, manifest, null);
    return { ...told, statement: change.statement ?? statement };
  };
  const send = (
    bytes: Uint8Array,
    change: Partial<UpdateHeader> = {},
    site: SiteName = alpha,
    chunks = chunksOf(bytes),
  ) => world.intake.upload(site, header(bytes, change, site), chunks);
  const state = () => world.tables.rounds.get(`${id}/1/1`)!.state;
  return { world, id, active, header, send, state };
}

const refused = (work: Promise<unknown>, code: Code) => expect(work).rejects.toMatchObject({ code });

describe('an update', () => {
  it('counts once its bytes are whole, verified and admitted', async () => {
    const { world, id, send, state, active } = await reporting();
    expect(await send(good, { examples: 7, loss: 0.25 })).toMatchObject({ duplicate: false });
    expect(state()).toMatchObject({ phase: 'reporting', reported: [alpha], dropped: {} });
    expect(await world.runs.findUpdate(id, 1, 1, alpha)).toMatchObject({
      length: good.byteLength,
      examples: 7,
      loss: 0.25,
    });
    expect(active.board.standing(alpha)).toMatchObject({ bytesUp: good.byteLength, examples: 7 });
  });

  it('that is sent again is a duplicate, before and after its round closed', async () => {
    const { world, send, header } = await reporting();
    await send(good);
    const never = (async function* (): AsyncGenerator<Uint8Array> {
      throw new Error('a duplicate is not read');
    })();
    expect(await send(good, {}, alpha, never)).toMatchObject({ duplicate: true });
    expect(await world.intake.query(alpha, header(good))).toEqual({ received: good.byteLength, committed: true });
    await send(updateBytes(manifest, 'b'), {}, beta);
    await settled();
    expect(await send(good)).toMatchObject({ duplicate: true });
    expect(world.tables.updates.size).toBe(2);
  });

  it('that differs from the one which counts is UPDATE_CONFLICT, and changes nothing', async () => {
    const { world, id, send, header } = await reporting();
    await send(good);
    const other = updateBytes(manifest, 'other');
    await refused(send(other), 'UPDATE_CONFLICT');
    await refused(world.intake.query(alpha, header(other)), 'UPDATE_CONFLICT');
    expect((await world.runs.updates(id)).map(({ sha256 }) => sha256)).toEqual([header(good).sha256]);
  });

  it('goes on from where its connection broke', async () => {
    const { world, send, header, active } = await reporting();
    const half = good.subarray(0, 100);
    const breaking = (async function* (): AsyncGenerator<Uint8Array> {
      yield half;
      throw new Fault('UPDATE_TRUNCATED');
    })();
    await refused(send(good, {}, alpha, breaking), 'UPDATE_TRUNCATED');
    expect(await world.intake.query(alpha, header(good))).toEqual({ received: 100, committed: false });
    await send(good, { offset: 100 }, alpha, chunksOf(good.subarray(100)));
    expect(active.board.standing(alpha).bytesUp).toBe(good.byteLength);
  });

  it('goes on after a restart, and when only its commit was missing', async () => {
    const { world, send, header, id } = await reporting();
    const commit = world.runs.commit.bind(world.runs);
    world.runs.commit = () => Promise.reject(new Error('killed'));
    await expect(send(good)).rejects.toThrow('killed');
    world.runs.commit = commit;
    await world.restart();
    expect(await world.intake.query(alpha, header(good))).toEqual({ received: good.byteLength, committed: false });
    const nothing = chunksOf(new Uint8Array());
    expect(await world.intake.upload(alpha, header(good, { offset: good.byteLength }), nothing)).toMatchObject({
      duplicate: false,
    });
    expect(await world.runs.updates(id)).toHaveLength(1);
  });

  it('cannot go on beyond what was received', async () => {
    const { send } = await reporting();
    await refused(send(good, { offset: 1 }, alpha, chunksOf(good.subarray(1))), 'REQUEST_INVALID');
  });

  it('that ends early does not count, although its stream ended like a whole one', async () => {
    const { send, state } = await reporting();
    await refused(send(good, {}, alpha, chunksOf(good.subarray(0, good.byteLength - 1))), 'UPDATE_TRUNCATED');
    expect(state()).toMatchObject({ reported: [], dropped: {} });
  });

  it('whose bytes have another SHA-256 does not count, is forgotten, and may be sent again', async () => {
    const { world, send, state, header } = await reporting();
    const flipped = good.slice();
    flipped[flipped.byteLength - 1]! ^= 1;
    await refused(send(good, {}, alpha, chunksOf(flipped)), 'UPDATE_DIGEST_MISMATCH');
    expect(state()).toMatchObject({ reported: [], dropped: {} });
    expect(await world.intake.query(alpha, header(good))).toEqual({ received: 0, committed: false });
    await send(good);
    expect(state()).toMatchObject({ reported: [alpha] });
  });

  it('replaces an older upload of the same site whose connection hangs', async () => {
    const { send, state } = await reporting();
    const hanging = (async function* (): AsyncGenerator<Uint8Array> {
      yield good.subarray(0, 10);
      await new Promise(() => {});
    })();
    const older = expect(send(good, {}, alpha, hanging)).rejects.toMatchObject({ code: 'CANCELLED' });
    await settled();
    await send(good, { offset: 10 }, alpha, chunksOf(good.subarray(10)));
    await older;
    expect(state()).toMatchObject({ reported: [alpha] });
  });

  it('that is sent twice at once counts once', async () => {
    const { world, send } = await reporting();
    const receipts = await Promise.allSettled([send(good), send(good), send(good)]);
    expect(receipts.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(world.tables.updates.size).toBe(1);
  });
});

describe('an update that must not count', () => {
  const values = zeros(manifest).values;
  const nan = values.slice();
  nan[3] = NaN;
  const large = values.slice().fill(100);
  const wrongShape = layoutManifest([
    { name: 'logit/kernel', shape: [4, 16] },
    { name: 'logit/bias', shape: [1] },
  ]);
  const cases: [string, Uint8Array, Code][] = [
    ['a NaN', encodeSafetensors(weightsOf(manifest, nan)), 'UPDATE_NOT_FINITE'],
    ['a norm beyond the plan’s bound', encodeSafetensors(weightsOf(manifest, large)), 'UPDATE_NORM_EXCEEDED'],
    ['tensors of another shape', encodeSafetensors(zeros(wrongShape)), 'WEIGHTS_MISMATCH'],
    ['a torn header', new Uint8Array(40).fill(9), 'SAFETENSORS_MALFORMED'],
  ];

  it.each(cases)(
    'because of %s drops its site from the round, by its code, and leaves nothing',
    async (_, bytes, code) => {
      const { world, id, send, state } = await reporting({ rounds: { minSites: 1 } });
      await refused(send(bytes), code);
      expect(state()).toMatchObject({ phase: 'reporting', reported: [], dropped: { alpha: 'update-refused' } });
      expect(await world.spool.runs()).toEqual([]);
      await refused(send(good), 'NOT_A_PARTICIPANT');
      await send(updateBytes(manifest, 'b'), {}, beta);
      await settled();
      expect(world.tables.rounds.get(`${id}/1/1`)).toMatchObject({
        state: { phase: 'published', contributors: [beta] },
      });
    },
  );

  it('is told from one of exactly the bound, which counts (positive control)', async () => {
    const { send, state } = await reporting({ normBound: 5 });
    const exact = values.slice();
    [exact[0], exact[1]] = [3, 4];
    await send(encodeSafetensors(weightsOf(manifest, exact)));
    expect(state()).toMatchObject({ reported: [alpha] });
  });
});

describe('an announcement', () => {
  it.each<[string, Partial<UpdateHeader>, Code]>([
    ['of another plan', { planDigest: 'f'.repeat(64) }, 'REQUEST_INVALID'],
    ['from another model', { modelDigest: 'f'.repeat(64) }, 'REQUEST_INVALID'],
    ['of no examples', { examples: 0 }, 'REQUEST_INVALID'],
    ['of more examples than anybody has', { examples: 2 ** 40 }, 'REQUEST_INVALID'],
    ['of more bytes than the model has', { length: good.byteLength + 1 }, 'UPDATE_TOO_LARGE'],
    ['of no round', { round: null }, 'MESSAGE_MALFORMED'],
  ])('%s is refused before a byte is read', async (_, change, code) => {
    const { world, send } = await reporting();
    const unread = (async function* (): AsyncGenerator<Uint8Array> {
      throw new Error('no byte may be read');
    })();
    await refused(send(good, change, alpha, unread), code);
    expect(await world.spool.runs()).toEqual([]);
  });

  it('is refused from a site that the plan does not list, and for a round that is not open', async () => {
    const { send, id } = await reporting();
    await refused(send(good, {}, gamma), 'SITE_NOT_IN_PLAN');
    await refused(send(good, { round: { run: id, round: 1, attempt: 2 } }), 'ROUND_TRANSITION_REFUSED');
    await refused(send(good, { round: { run: 'run-0000000000', round: 1, attempt: 1 } }), 'NOT_FOUND');
  });

  it('is refused when the round closes while its bytes come', async () => {
    const { world, id, send } = await reporting();
    const interrupted = (async function* (): AsyncGenerator<Uint8Array> {
      yield good.subarray(0, 50);
      await world.conductor.steer(id, 'pause', MACHINE);
      await settled();
      yield good.subarray(50);
    })();
    await refused(send(good, {}, alpha, interrupted), 'ROUND_TRANSITION_REFUSED');
    expect(await world.runs.updates(id)).toEqual([]);
  });
});

describe('metrics in a header', () => {
  it('are kept where the round measures, and left out where it does not', async () => {
    const metrics = [
      {
        name: 'METRIC_NAME_AUC' as const,
        value: 0.7,
        low: 0.6,
        high: 0.8,
        _value: 'value' as const,
        _low: 'low' as const,
        _high: 'high' as const,
      },
    ];
    const { world, id, send } = await reporting({ rounds: { count: 3, evaluateEvery: 2 } });
    await send(good, { metrics });
    expect((await world.runs.findUpdate(id, 1, 1, alpha))?.metrics.auc).toEqual({ value: 0.7, low: 0.6, high: 0.8 });
    await send(updateBytes(manifest, 'b'), { metrics }, beta);
    await settled();
    const active = world.conductor.find(id)!;
    const second = { round: { run: id, round: 2, attempt: 1 }, modelDigest: active.course.round!.baseDigest, metrics };
    await send(good, second);
    expect((await world.runs.findUpdate(id, 2, 1, alpha))?.metrics.auc).toBeNull();
    expect(active.rounds[0]).toMatchObject({ auc: 0.7, loss: 0.5 });
  });
});

it('updateBytes gives different sites different updates (the fixture itself)', () => {
  expect(headerOf(good).sha256 as Digest).not.toBe(headerOf(updateBytes(manifest, 'b')).sha256);
  expect(concatBytes([good]).byteLength).toBe(good.byteLength);
});
