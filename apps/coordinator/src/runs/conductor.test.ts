import { manifestOf } from '@consilium/model';
import { Fault, type Digest } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { alpha, beta, gamma, planOf } from '../fixtures/plan.fixture.js';
import { MemoryWorld, settled } from '../fixtures/world.fixture.js';
import { MACHINE } from '../people/person-id.js';
import type { RunRecord } from '../records.js';
import type { ActiveRun } from './active-run.js';

const both = [alpha, beta];
const hour = 3_600_000;

/** A run in training whose two sites only listen. */
async function training(choices: Parameters<MemoryWorld['start']>[0] = {}) {
  const world = new MemoryWorld();
  const { id } = await world.start(choices);
  const heard = { alpha: await world.connect(alpha), beta: await world.connect(beta) };
  const active = world.conductor.find(id)!;
  for (const site of both) await active.feed({ of: 'run', event: { type: 'plan-approved', site } });
  await settled();
  return { world, id, active, heard };
}
const stored = (world: MemoryWorld, { id }: Pick<RunRecord, 'id'>): RunRecord => world.tables.runs.get(id)!;
const phaseOf = (active: ActiveRun): string => active.course.run.state.phase;

describe('offers', () => {
  it('go to sites that are connected when the run starts, and to the others when they come', async () => {
    const world = new MemoryWorld();
    const here = await world.connect(alpha);
    await world.start();
    expect(here.kinds).toEqual(['planOffer']);
    const late = await world.connect(beta);
    expect(late.kinds).toEqual(['planOffer']);
    const stranger = await world.connect(gamma);
    expect(stranger.kinds).toEqual([]);
  });

  it('carry the plan exactly as its digest binds it', async () => {
    const world = new MemoryWorld();
    const run = await world.start();
    const { messages } = await world.connect(alpha);
    const { record } = planOf();
    expect(messages[0]?.planOffer).toMatchObject({ run: run.id, planDigest: record.digest });
    expect(Buffer.from(messages[0]!.planOffer!.planJson as Uint8Array).toString('utf8')).toBe(record.document);
  });

  it('are not repeated in one session, and are repeated in the next', async () => {
    const { world, heard } = await training();
    expect(heard.alpha.kinds).toEqual(['planOffer', 'roundOffer']);
    await world.conductor.siteArrived(alpha);
    expect(heard.alpha.kinds).toEqual(['planOffer', 'roundOffer']);
    const again = await world.connect(alpha);
    expect(again.kinds).toEqual(['roundOffer']);
    expect(heard.alpha.closedBy).toMatchObject({ code: 'SESSION_REPLACED' });
  });

  it('say how much time is left, and when the model is to be measured', async () => {
    const { world, heard } = await training({ rounds: { deadlineSeconds: 100, evaluateEvery: 2 } });
    expect(heard.alpha.messages[1]?.roundOffer).toMatchObject({ deadlineMs: 100_000, evaluate: true });
    world.clock.advance(30_000);
    const again = await world.connect(alpha);
    expect(again.messages[0]?.roundOffer).toMatchObject({ deadlineMs: 70_000 });
  });

  it('wait for a site that is away when the round begins', async () => {
    const world = new MemoryWorld();
    const { id } = await world.start();
    const heard = await world.connect(alpha);
    const active = world.conductor.find(id)!;
    for (const site of both) await active.feed({ of: 'run', event: { type: 'plan-approved', site } });
    expect(active.course.round?.state).toEqual({ phase: 'selection', joined: [alpha] });
    expect(heard.kinds).toEqual(['planOffer']);
    const late = await world.connect(beta);
    expect(active.course.round?.state.phase).toBe('reporting');
    expect([heard.kinds.at(-1), late.kinds.at(-1)]).toEqual(['roundOffer', 'roundOffer']);
  });

  it('do not treat a lost session as a site that dropped out', async () => {
    const { active, heard } = await training();
    heard.beta.leave();
    await settled();
    expect(active.course.round?.state).toMatchObject({ phase: 'reporting', participants: both, dropped: {} });
  });
});

describe('deadlines', () => {
  it('drop the silent sites when the time is over, and not before', async () => {
    const { world, active } = await training({ rounds: { deadlineSeconds: 100, minSites: 1, maxAttempts: 5 } });
    world.clock.advance(99_999);
    await settled();
    expect(active.course.round).toMatchObject({ attempt: 1 });
    world.clock.advance(1);
    await settled();
    expect(active.course.round).toMatchObject({ attempt: 2, startedMs: world.clock.now() });
    expect(active.rounds[0]?.state).toEqual({ phase: 'abandoned', reason: 'too-few-updates' });
  });

  it('of an old round never end a new one', async () => {
    const { world, active } = await training({ rounds: { deadlineSeconds: 100 } });
    world.clock.advance(60_000);
    await world.conductor.steer(active.course.run.id, 'pause', MACHINE);
    await world.conductor.steer(active.course.run.id, 'resume', MACHINE);
    world.clock.advance(60_000);
    await settled();
    expect(active.course.round).toMatchObject({ attempt: 2, endedMs: null });
  });

  it('leave sites time after a restart, however long the coordinator was away', async () => {
    const { world, id } = await training({ rounds: { deadlineSeconds: 100 } });
    world.clock.advance(50_000);
    const killed = world.conductor;
    world.clock.time += hour;
    await world.restart();
    const { messages } = await world.connect(alpha);
    expect(messages[0]?.roundOffer).toMatchObject({ round: { run: id, round: 1, attempt: 1 }, deadlineMs: 60_000 });
    world.clock.advance(60_000);
    await settled();
    expect(world.conductor.find(id)?.course.round).toMatchObject({ attempt: 2 });
    expect(killed.find(id)?.course.round).toMatchObject({ attempt: 1 });
  });

  it('end an evaluation without the silent sites', async () => {
    const { world, id, active } = await training({ rounds: { count: 1, deadlineSeconds: 100, minSites: 1 } });
    const key = { number: 1, attempt: 1 };
    for (const site of both) await active.feedRound(key, { type: 'site-dropped', site, reason: 'refused' });
    expect(active.course.round?.attempt).toBe(2);
    const next = { number: 1, attempt: 2 };
    await active.feedRound(
      next,
      { type: 'update-committed', site: alpha },
      { update: await committed(world, active, next), statement: 'e'.repeat(64) as Digest },
    );
    await active.feedRound(next, { type: 'site-dropped', site: beta, reason: 'refused' });
    await settled();
    expect(phaseOf(active)).toBe('evaluation');
    world.clock.advance(100_000);
    await settled();
    expect(stored(world, { id }).state).toMatchObject({ phase: 'finished' });
    expect((await world.registry.list())[0]).toMatchObject({
      run: id,
      round: 1,
      metrics: [{ site: null, metrics: null }],
    });
  });
});

/** An update of alpha that lies in the spool. */
async function committed(world: MemoryWorld, active: ActiveRun, key: { number: number; attempt: number }) {
  const { updateBytes, sha256Of, chunksOf } = await import('../fixtures/updates.fixture.js');
  const { NO_METRICS } = await import('../metrics.js');
  const bytes = updateBytes(manifestOf(active.terms.plan.model), 'alpha');
  const run = active.course.run.id;
  await world.spool.receive(
    { run, round: key.number, attempt: key.attempt, site: alpha, sha256: sha256Of(bytes) },
    0,
    chunksOf(bytes),
  );
  const rest = { sha256: sha256Of(bytes), length: bytes.byteLength, examples: 10, loss: 0.5, metrics: NO_METRICS };
  return { run, ...key, site: alpha, ...rest, committedMs: world.clock.now() };
}

describe('steering', () => {
  it('pauses, resumes and cancels, and says so to the sites', async () => {
    const { world, id, active, heard } = await training();
    await world.conductor.steer(id, 'pause', MACHINE);
    expect(stored(world, { id }).state).toMatchObject({ phase: 'paused' });
    expect(heard.alpha.messages.at(-1)?.roundClosed).toMatchObject({ outcome: 'abandoned' });
    await world.conductor.steer(id, 'resume', MACHINE);
    expect(heard.alpha.messages.at(-1)?.roundOffer).toMatchObject({ round: { attempt: 2 } });
    await world.conductor.steer(id, 'cancel', MACHINE);
    expect(heard.alpha.messages.at(-1)?.runEnded).toEqual({ run: id, outcome: 'cancelled' });
    expect(phaseOf(active)).toBe('cancelled');
    expect(world.conductor.find(id)).toBeUndefined();
  });

  it('asks for approval again after a pause in which a decision was lost', async () => {
    const world = new MemoryWorld();
    const { id } = await world.start();
    const heard = await world.connect(alpha);
    await world.conductor.steer(id, 'pause', MACHINE);
    const fed = await world.conductor.find(id)!.feed({ of: 'run', event: { type: 'plan-approved', site: alpha } });
    expect(fed).toBe('wrong-phase');
    await world.conductor.steer(id, 'resume', MACHINE);
    expect(heard.kinds).toEqual(['planOffer', 'planOffer']);
  });

  it('is refused with the state it was in, and NOT_FOUND for no such run', async () => {
    const { world, id } = await training();
    await expect(world.conductor.steer(id, 'resume', MACHINE)).rejects.toMatchObject({
      code: 'RUN_TRANSITION_REFUSED',
      facts: { state: 'training' },
    });
    await world.conductor.steer(id, 'cancel', MACHINE);
    await expect(world.conductor.steer(id, 'pause', MACHINE)).rejects.toMatchObject({ facts: { state: 'cancelled' } });
    await expect(world.conductor.steer('run-0000000000' as typeof id, 'pause', MACHINE)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('fails a run that too few sites approve', async () => {
    const world = new MemoryWorld();
    const { id } = await world.start();
    const heard = await world.connect(alpha);
    const active = world.conductor.find(id)!;
    await active.feed({ of: 'run', event: { type: 'plan-approved', site: alpha } });
    await active.feed({ of: 'run', event: { type: 'plan-rejected', site: beta } });
    expect(stored(world, { id })).toMatchObject({
      state: { phase: 'failed', code: 'PLAN_REJECTED' },
      standings: { beta: { decision: 'rejected' } },
    });
    expect(heard.messages.at(-1)?.runEnded).toEqual({ run: id, outcome: 'failed' });
  });
});

describe('a store that fails', () => {
  it('leaves the run where it was, and the asker is told', async () => {
    const { world, active } = await training();
    const { runs } = world;
    const commit = runs.commit.bind(runs);
    runs.commit = () => Promise.reject(new Error('the database is away'));
    await expect(active.feed({ of: 'run', event: { type: 'paused' } }, { by: MACHINE })).rejects.toThrow('away');
    expect(phaseOf(active)).toBe('training');
    runs.commit = commit;
    expect(await active.feed({ of: 'run', event: { type: 'paused' } }, { by: MACHINE })).toBe('accepted');
  });

  it('is tried again for a deadline, and in the end the program ends rather than wait for ever', async () => {
    const { world, active } = await training({ rounds: { deadlineSeconds: 100 } });
    world.runs.commit = () => Promise.reject(new Error('the database is away'));
    world.clock.advance(100_000);
    for (let i = 0; i < 10; i++) {
      await settled();
      world.clock.advance(20_000);
    }
    await settled();
    expect(world.fatal).toHaveLength(1);
    expect(active.course.round).toMatchObject({ attempt: 1 });
  });

  it('that another coordinator writes to ends this one at once', async () => {
    const { world, id } = await training({ rounds: { deadlineSeconds: 100 } });
    world.tables.runs.set(id, { ...stored(world, { id }), revision: 99 });
    world.clock.advance(100_000);
    await settled();
    expect(world.fatal).toMatchObject([{ code: 'STATE_LOCKED' }]);
  });
});

describe('what a plan may do', () => {
  it('is asked again before each offer: what holds no more is not dispatched', async () => {
    const { world, id, heard } = await training();
    world.requireInForce = () => {
      throw new Fault('ETHICS_EXPIRED');
    };
    await world.conductor.steer(id, 'pause', MACHINE);
    await world.conductor.steer(id, 'resume', MACHINE);
    await settled();
    expect(heard.alpha.kinds).toEqual(['planOffer', 'roundOffer', 'roundClosed']);
  });

  it('ends with a withdrawal that leaves too few sites, and goes on without one that is not needed', async () => {
    const needed = await training();
    await needed.active.feed({ of: 'run', event: { type: 'plan-withdrawn', site: alpha } });
    expect(stored(needed.world, needed).state).toEqual({ phase: 'failed', code: 'PLAN_REJECTED' });
    expect(needed.heard.beta.kinds.slice(-2)).toEqual(['roundClosed', 'runEnded']);

    const { active, world, id } = await training({ rounds: { minSites: 1 } });
    await active.feed({ of: 'run', event: { type: 'plan-withdrawn', site: alpha } });
    expect(active.course.round?.state).toMatchObject({ dropped: { alpha: 'withdrawn' } });
    expect(active.board.standing(alpha).decision).toBe('rejected');
    expect(world.conductor.downloading(alpha, active.course.run.modelDigest)).toBeUndefined();
    const again = await world.connect(alpha);
    expect(again.kinds).toEqual([]);
    expect(stored(world, { id }).state).toMatchObject({ phase: 'training', approved: [beta] });
  });
});

describe('a ledger that cannot be written', () => {
  it('stops every step and every offer, and lets them go on when there is room again', async () => {
    const { world, id, active } = await training();
    world.ledger.trouble = new Fault('DISK_FULL');
    await expect(world.conductor.steer(id, 'pause', MACHINE)).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(phaseOf(active)).toBe('training');
    const late = await world.connect(alpha);
    expect(late.kinds).toEqual([]);
    world.ledger.trouble = undefined;
    world.clock.advance(1000);
    await settled();
    expect(late.kinds).toEqual(['roundOffer']);
  });

  it('does not end the program when its past is in doubt: it stays up to say why', async () => {
    const { world } = await training();
    world.ledger.trouble = new Fault('LEDGER_ROLLED_BACK');
    world.clock.advance(hour);
    await settled();
    expect(world.fatal).toEqual([]);
  });
});

describe('the conductor', () => {
  it('ends a run that a release without signatures began, since no site would go on with it', async () => {
    const { world, id } = await training();
    world.tables.ledger.rows.splice(0);
    await world.restart();
    expect(stored(world, { id }).state).toEqual({ phase: 'failed', code: 'PLAN_INCOMPLETE' });
    expect(world.conductor.find(id)).toBeUndefined();
  });

  it('refuses more runs at one time than it can hold', async () => {
    const world = new MemoryWorld();
    await world.start();
    for (let i = 1; i < 100; i++) await world.conductor.start(planOf().record.digest, MACHINE);
    await expect(world.conductor.start(planOf().record.digest, MACHINE)).rejects.toMatchObject({ code: 'OVERLOADED' });
    const [first] = await world.runs.list({ limit: 1 });
    await world.conductor.steer(first!.id, 'cancel', MACHINE);
    world.conductor.forgetEnded();
    await world.conductor.start(planOf().record.digest, MACHINE);
  });

  it('lets a site fetch the model that it is to train on, and no other', async () => {
    const { world, active } = await training();
    const { modelDigest } = active.course.run;
    expect(world.conductor.downloading(alpha, modelDigest)).toBe(active);
    expect(world.conductor.downloading(gamma, modelDigest)).toBeUndefined();
    expect(world.conductor.downloading(alpha, 'f'.repeat(64) as typeof modelDigest)).toBeUndefined();
  });

  it('starts every run of a plan from the same model', async () => {
    const world = new MemoryWorld();
    const [one, two] = [await world.start(), await world.start()];
    expect(one.modelDigest).toBe(two.modelDigest);
    expect((await world.start({ seed: 2 })).modelDigest).not.toBe(one.modelDigest);
  });

  it('does not start over a run whose plan it cannot read', async () => {
    const { world } = await training();
    const { record } = planOf();
    world.tables.plans.set(record.digest, { ...record, document: '{"schema":"consilium.plan/9"}' });
    await expect(world.restart()).rejects.toMatchObject({
      code: 'STATE_UNREADABLE',
      facts: { planDigest: record.digest },
    });
  });

  it('drops uploads of runs that ended while it was away', async () => {
    const { world, id } = await training();
    const slot = { run: id, round: 9, attempt: 1, site: alpha, sha256: 'a'.repeat(64) as never };
    await world.spool.receive(slot, 0, (async function* () {})());
    world.tables.runs.set(id, { ...stored(world, { id }), state: { phase: 'cancelled' } });
    await world.restart();
    expect(await world.spool.runs()).toEqual([]);
  });
});
