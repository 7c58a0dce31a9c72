import { manifestOf } from '@consilium/model';
import { Fault, type Digest, type SiteName } from '@consilium/stdx';
import type { RoundRef } from '@consilium/wire';
import { describe, expect, it } from 'vitest';
import { alpha, beta, gamma, planOf } from '../fixtures/plan.fixture.js';
import { ScriptedSite } from '../fixtures/scripted-site.fixture.js';
import { SiteHand } from '../fixtures/site-hand.fixture.js';
import { MemoryWorld, NO_LOGS, settled } from '../fixtures/world.fixture.js';
import { hubHandlers } from './handlers.js';

const manifest = manifestOf(planOf().plan.model);

/** A site that says only what the test says. */
class Quiet extends ScriptedSite {}
Object.defineProperty(Quiet.prototype, 'upload', { value: async () => undefined });

async function hub(choices: Parameters<MemoryWorld['start']>[0] = {}) {
  const world = new MemoryWorld();
  const { id } = await world.start(choices);
  const { conductor } = world;
  const handlers = world.handlers();
  const join = (name: SiteName) => new Quiet(name, handlers, manifest);
  const current = (): RoundRef => ({ run: id, round: 1, attempt: 1 });
  return { world, id, handlers, join, current, active: conductor.find(id)! };
}

describe('a session', () => {
  it('greets a site by the name in its certificate, with the coordinator’s clock', async () => {
    const { handlers, world } = await hub();
    expect(
      await handlers.greet(alpha, { protocolVersion: 1, features: [], software: '', ...new SiteHand(alpha).hello() }),
    ).toMatchObject({
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
    site.say({
      body: 'planDecision',
      planDecision: { run: id, planDigest: 'f'.repeat(64), approved: true, code: '', envelope: Buffer.alloc(0) },
    });
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

  it('takes an approval only with what the site signed for it, keeps that, and ends otherwise', async () => {
    const { id, world, active } = await hub();
    const planDigest = active.terms.record.digest;
    const say = (site: SiteName, envelope: Buffer): Promise<void> => {
      const messages = (async function* () {
        yield {
          body: 'planDecision' as const,
          planDecision: { run: id, planDigest, approved: true, code: '', envelope },
        };
      })();
      return world
        .handlers()
        .session(site, { hello: { software: '' }, messages, send: () => true, close: () => {} } as never);
    };
    await expect(say(alpha, Buffer.alloc(0))).rejects.toMatchObject({ code: 'ENVELOPE_INVALID' });
    await expect(say(alpha, new SiteHand(beta).approval({ run: id, planDigest }))).rejects.toThrow(Fault);
    // Somebody whom the plan does not ask says nothing.
    await say('constructor' as SiteName, Buffer.alloc(0));
    expect(active.course.run.state).toMatchObject({ phase: 'approval', approved: [] });
    const envelope = new SiteHand(alpha).approval({ run: id, planDigest });
    await say(alpha, envelope);
    expect(active.course.run.state).toMatchObject({ phase: 'approval', approved: [alpha] });
    const told = world.events.find(({ type }) => type === 'plan.decided') as { envelope: Digest };
    expect(Buffer.from(await world.ledger.readDocument(told.envelope))).toEqual(envelope);
  });

  it('takes an approval back, and hears nothing about another plan', async () => {
    const { world, join, active, id } = await hub({ rounds: { minSites: 1 } });
    const [a] = [join(alpha), join(beta)];
    await settled();
    a.say({ body: 'planWithdrawal', planWithdrawal: { run: id, planDigest: 'f'.repeat(64) } });
    await settled();
    expect(active.course.run.state).toMatchObject({ approved: [alpha, beta] });
    a.say({ body: 'planWithdrawal', planWithdrawal: { run: id, planDigest: active.terms.record.digest } });
    await settled();
    expect(active.course.run.state).toMatchObject({ phase: 'training', approved: [beta] });
    expect(world.events.at(-1)).toMatchObject({ type: 'plan.withdrawn', site: alpha });
  });

  it('hands what it hears about logs to their desk, answers a site’s checkpoint, and says when the site is gone', async () => {
    const { world } = await hub();
    const [said, considered]: [unknown[], number[]] = [[], []];
    const witnesses = {
      greet: async () => ({ coordinatorCheckpoint: Buffer.from('ours'), siteCheckpoint: Buffer.from('theirs') }),
      arrived: async (site: SiteName) => void said.push(['arrived', site]),
      left: (site: SiteName) => void said.push(['left', site]),
      answered: (site: SiteName, { size }: { size: number }) => void said.push(['answered', site, size]),
      consider: async (_: SiteName, { oldSize }: { oldSize: number }) => ({ knownSize: considered.push(oldSize) }),
    };
    const { conductor, intake, sites } = world;
    const handlers = hubHandlers({ conductor, intake, sites, witnesses }, world.world());
    const hello = { protocolVersion: 1, features: [], software: '', ...new SiteHand(alpha).hello() };
    expect(await handlers.greet(alpha, hello)).toMatchObject({ siteCheckpoint: Buffer.from('theirs') });
    const messages = (async function* () {
      yield {
        body: 'witnessAnswer' as const,
        witnessAnswer: { size: 5, cosignature: Buffer.alloc(0), knownSize: 0, code: '' },
      };
      yield { body: 'siteCheckpoint' as const, siteCheckpoint: { note: Buffer.alloc(0), oldSize: 7, consistency: [] } };
    })();
    await handlers.session(alpha, { hello, messages, send: () => true, close: () => {} } as never);
    await settled();
    expect(said).toEqual([
      ['arrived', alpha],
      ['answered', alpha, 5],
      ['left', alpha],
    ]);
    expect(considered).toEqual([7]);
  });

  it('ends when a checkpoint of the site’s log is none, and gives no model while the ledger is in trouble', async () => {
    const { world, active, join } = await hub();
    const [a] = [join(alpha), join(beta)];
    await settled();
    const { conductor, intake, sites } = world;
    const consider = async (): Promise<never> => {
      throw new Fault('LEDGER_NOTE_INVALID');
    };
    const handlers = hubHandlers({ conductor, intake, sites, witnesses: { ...NO_LOGS, consider } }, world.world());
    const strange = new Quiet(alpha, handlers, manifest);
    strange.say({ body: 'siteCheckpoint', siteCheckpoint: { note: Buffer.alloc(0), oldSize: 0, consistency: [] } });
    await settled();
    expect(world.sessions.has(alpha)).toBe(false);
    expect(a.failures).toEqual([]);
    world.ledger.trouble = new Fault('LEDGER_ROLLED_BACK');
    const request = { digest: active.course.run.modelDigest, offset: 0 };
    const asked = handlers.download(alpha, request, new AbortController().signal);
    await expect(asked).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
  });

  it('takes a rejection with any code', async () => {
    const { join, id, world, active } = await hub({ rounds: { minSites: 1 } });
    const handlers = world.handlers();
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
