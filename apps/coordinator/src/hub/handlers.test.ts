import { manifestOf } from '@consilium/model';
import { Fault, type SiteName } from '@consilium/stdx';
import type { RoundRef } from '@consilium/wire';
import { describe, expect, it } from 'vitest';
import { alpha, beta, gamma, planOf } from '../fixtures/plan.fixture.js';
import { ScriptedSite } from '../fixtures/scripted-site.fixture.js';
import { MemoryWorld, settled } from '../fixtures/world.fixture.js';
import { hubHandlers } from './handlers.js';

const manifest = manifestOf(planOf().plan.model);

/** A site that says only what the test says. */
class Quiet extends ScriptedSite {}
Object.defineProperty(Quiet.prototype, 'upload', { value: async () => undefined });

async function hub(choices: Parameters<MemoryWorld['start']>[0] = {}) {
  const world = new MemoryWorld();
  const { id } = await world.start(choices);
  const { conductor, intake, sites } = world;
  const handlers = hubHandlers({ conductor, intake, sites }, world.world());
  const join = (name: SiteName) => new Quiet(name, handlers, manifest);
  const current = (): RoundRef => ({ run: id, round: 1, attempt: 1 });
  return { world, id, handlers, join, current, active: conductor.find(id)! };
}

describe('a session', () => {
  it('greets a site by the name in its certificate, with the coordinator’s clock', async () => {
    const { handlers, world } = await hub();
    expect(await handlers.greet(alpha, { protocolVersion: 1, features: [], software: '' })).toMatchObject({
      site: alpha,
      nowMs: world.clock.now(),
      protocolVersion: 1,
    });
  });

  it('remembers the site, and what its agent calls itself without anything strange', async () => {
    const { world, handlers } = await hub();
    const session = {
      hello: { software: 'agent 1.0\n\u001b[31m<b>' + 'x'.repeat(99) },
      messages: (async function* () {})(),
    };
    await handlers.session(alpha, {
      ...session,
      send: () => true,
      close: () => {},
      signal: new AbortController().signal,
    } as never);
    const [site] = await world.sites.list();
    expect(site).toMatchObject({ name: alpha, lastSeenMs: world.clock.now() });
    expect(site?.software).toMatch(/^agent 1\.031mbx+$/);
    expect(site?.software).toHaveLength(64);
  });

  it('ends with MESSAGE_MALFORMED when a message cannot be read', async () => {
    const { join, id } = await hub();
    const site = join(alpha);
    site.say({ body: 'planDecision', planDecision: { run: id, planDigest: 'f'.repeat(64), approved: true, code: '' } });
    await site.served;
    expect(site.failures).toMatchObject([{ code: 'MESSAGE_MALFORMED' }]);
  });

  it('leaves out messages about runs and rounds that are over or never were', async () => {
    const { join, active, current } = await hub();
    const [a, b] = [join(alpha), join(beta)];
    await settled();
    expect(active.course.round?.state.phase).toBe('reporting');
    for (const round of [{ ...current(), attempt: 9 }, { ...current(), run: 'run-0000000000' }, null]) {
      a.say({ body: 'progress', progress: { round, step: 1, steps: 2, loss: 1 } });
      a.say({ body: 'roundRefusal', roundRefusal: { round, code: 'DATA_EMPTY' } });
    }
    a.say({
      body: 'evaluation',
      evaluation: { run: current().run, modelDigest: 'f'.repeat(64), examples: 1, metrics: [], code: '' },
    });
    await settled();
    expect(active.course.round?.state).toMatchObject({ phase: 'reporting', dropped: {} });
    expect([a, b].flatMap(({ failures }) => failures)).toEqual([]);
  });

  it('shows progress and drops a site that refuses the round', async () => {
    const { world, join, active, current } = await hub();
    const [a, b] = [join(alpha), join(beta)];
    await settled();
    const before = world.changes;
    a.say({ body: 'progress', progress: { round: current(), step: 3, steps: 4, loss: NaN } });
    b.say({ body: 'roundRefusal', roundRefusal: { round: current(), code: 'A_CODE_OF_TOMORROW' } });
    await settled();
    expect(active.board.progress(alpha)).toEqual({ step: 3, steps: 4, loss: null });
    expect(world.changes).toBeGreaterThan(before);
    expect(active.course.round?.state).toMatchObject({ dropped: { beta: 'refused' } });
  });

  it('takes a rejection with any code', async () => {
    const { join, id, world, active } = await hub({ rounds: { minSites: 1 } });
    const handlers = hubHandlers(
      { conductor: world.conductor, intake: world.intake, sites: world.sites },
      world.world(),
    );
    const says = [{ run: id, planDigest: active.terms.record.digest, approved: false, code: 'PLAN_REJECTED' }];
    const messages = (async function* () {
      for (const planDecision of says) yield { body: 'planDecision' as const, planDecision };
    })();
    await handlers.session(alpha, { hello: { software: '' }, messages, send: () => true, close: () => {} } as never);
    expect(active.course.run.state).toMatchObject({ phase: 'approval', rejected: [alpha] });
    join(beta);
    await settled();
    expect(active.course.run.state).toMatchObject({ phase: 'training', approved: [beta] });
  });
});

describe('a download', () => {
  const read = async (chunks: AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>): Promise<number> => {
    let bytes = 0;
    for await (const chunk of await chunks) bytes += chunk.byteLength;
    return bytes;
  };
  const signal = new AbortController().signal;

  it('gives a site of the run the round’s model from any offset, and counts the bytes', async () => {
    const { handlers, join, active } = await hub();
    [alpha, beta].map(join);
    await settled();
    const digest = active.course.run.modelDigest;
    const whole = await read(handlers.download(alpha, { digest, offset: 0 }, signal));
    expect(await read(handlers.download(alpha, { digest, offset: 100 }, signal))).toBe(whole - 100);
    expect(active.board.standing(alpha).bytesDown).toBe(2 * whole - 100);
  });

  it('is NOT_FOUND for a stranger, for another model, and before the site approved', async () => {
    const { handlers, join, active } = await hub();
    const digest = active.course.run.modelDigest;
    const asked = (site: SiteName, which: string) =>
      read(handlers.download(site, { digest: which, offset: 0 }, signal));
    const notFound = expect.toSatisfy((error: unknown) => Fault.is(error, 'NOT_FOUND'));
    await expect(asked(alpha, digest)).rejects.toEqual(notFound);
    [alpha, beta].map(join);
    await settled();
    expect(await asked(alpha, digest)).toBeGreaterThan(0);
    await expect(asked(gamma, digest)).rejects.toEqual(notFound);
    await expect(asked(alpha, 'f'.repeat(64))).rejects.toEqual(notFound);
    await expect(read(handlers.download(alpha, { digest, offset: 10 ** 9 }, signal))).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
    });
  });
});
