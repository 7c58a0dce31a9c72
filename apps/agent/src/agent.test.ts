import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@consilium/machine';
import { planDigest } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import { decodeSafetensors, subtract } from '@consilium/weights';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAgent, type Agent } from './agent.js';
import { askAgent } from './control/client.js';
import { decisionSchema, plansSchema, statusSchema } from './control/protocol.js';
import { certificatesOf, FEDERATION, offerPlan, offerRound, TestHub, writeSite } from './federation.fixture.js';
import { readJournal } from './journal/file.js';
import { DATASET, modelOf, planOf, RUN, SITE } from './plan.fixture.js';
import { readSettings } from './settings.js';
import { openChannel } from './tls.js';
import { memoryLog, MemoryTrainer } from './twins.fixture.js';

const plan = planOf();
let certificates: Awaited<ReturnType<typeof certificatesOf>>;
let folder: string;
let hub: TestHub;
let port: number;
let trainer: MemoryTrainer;
let agents: Agent[];
let log: ReturnType<typeof memoryLog>;

beforeAll(async () => {
  certificates = await certificatesOf(FEDERATION);
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'agent-'));
  hub = new TestHub();
  port = await hub.listen(certificates.coordinator);
  trainer = new MemoryTrainer();
  agents = [];
  log = memoryLog();
});
afterEach(async () => {
  for (const agent of agents) await agent.stop();
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(settings: object = {}, credentials = certificates.sites.get(SITE)!): Promise<Agent> {
  const path = await writeSite(folder, credentials, {
    coordinator: { address: `127.0.0.1:${port}` },
    datasets: { 'lung-nodule': 'data' },
    approve: 'auto',
    ...settings,
  });
  const read = await readSettings(path, {});
  const agent = await startAgent(read, {
    clock: systemClock,
    random: () => 0,
    log: log.log,
    trainer,
    channel: await openChannel(read),
  });
  agents.push(agent);
  return agent;
}
const journal = async () => (await readJournal(join(folder, 'state', 'journal.jsonl'))).entries;
const types = async (): Promise<string[]> => (await journal()).map(({ type }) => type);
const socket = (): string => join(folder, 'state', 'control.sock');

describe('an agent and its coordinator', () => {
  it('goes through a run: approves, trains, is measured, and knows that it ended', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    await start();
    expect(await hub.hearing('planDecision')).toMatchObject({
      run: RUN,
      planDigest: planDigest(plan),
      approved: true,
      code: '',
    });

    hub.say(offerRound(plan, model));
    const { header, bytes } = await hub.until(() => hub.updates[0], 'an update');
    expect(header).toMatchObject({
      round: { run: RUN, round: 1, attempt: 1 },
      examples: DATASET.train.examples,
      loss: 0.5,
    });
    expect(header.metrics.map(({ name, value }) => [name, value])).toContainEqual(['METRIC_NAME_AUC', 0.8]);
    expect(header.metrics.find(({ name }) => name === 'METRIC_NAME_SPECIFICITY')?.value).toBeUndefined();
    const update = decodeSafetensors(bytes);
    const expected = subtract({ ...update, values: modelOf(plan).values.map((value) => value + 0.01) }, modelOf(plan));
    expect(update.values).toEqual(expected.values);

    hub.say({ roundClosed: { round: { run: RUN, round: 1, attempt: 1 }, outcome: 'published' } });
    hub.say({ evaluationOffer: { run: RUN, planDigest: planDigest(plan), ...model } });
    expect(await hub.hearing('evaluation')).toMatchObject({ examples: DATASET.test.examples, code: '' });
    hub.say({ runEnded: { run: RUN, outcome: 'finished' } });
    await expect.poll(types).toContain('run.ended');
    expect((await types()).filter((type) => type !== 'egress.sent')).toEqual([
      'agent.started',
      'plan.offered',
      'dataset.loaded',
      'plan.approved',
      'training.started',
      'training.finished',
      'round.closed',
      'run.ended',
    ]);
  });

  it('has every message and every update that arrived in its journal, and nothing else', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    await start();
    await hub.hearing('planDecision');
    hub.say(offerRound(plan, model));
    const { bytes } = await hub.until(() => hub.updates[0], 'an update');
    const sent = (await journal()).flatMap((entry) => (entry.type === 'egress.sent' ? [entry] : []));
    const inSession = sent.filter(({ message }) => !['hello', 'update-header', 'update'].includes(message));
    expect(inSession).toHaveLength(hub.heard.length);
    expect(sent.filter(({ message }) => message === 'hello')).toHaveLength(hub.sessions);
    expect(sent.filter(({ message }) => message === 'update').map((entry) => entry.bytes)).toEqual([bytes.byteLength]);
  });

  it('comes back after the session broke, and is not asked twice', async () => {
    hub.owed = [offerPlan(plan)];
    await start();
    await hub.hearing('planDecision');
    hub.drop(new Fault('UNAVAILABLE'));
    await hub.until(() => hub.sessions === 2, 'a second session');
    await hub.hearing('planDecision', 2);
    expect((await types()).filter((type) => type === 'plan.approved')).toHaveLength(1);
  });

  it('comes back when the coordinator itself was gone', async () => {
    await start();
    await hub.until(() => hub.sessions === 1, 'a session');
    await hub.close();
    hub = new TestHub();
    await hub.listen(certificates.coordinator, port);
    await hub.until(() => hub.sessions === 1, 'a session with the new coordinator');
  });

  it('after a restart answers from its journal, and goes on with a run that it had approved', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    const first = await start();
    await hub.hearing('planDecision');
    await first.stop();
    hub.owed = [offerRound(plan, model)];
    await start();
    await hub.until(() => hub.updates[0], 'an update after the restart');
    expect((await types()).filter((type) => type === 'agent.started')).toHaveLength(2);
    expect(trainer.loaded).toHaveLength(1);
  });

  it('takes up an upload that the coordinator could not take, without training again', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    hub.refuse = new Fault('DISK_FULL');
    await start();
    await hub.hearing('planDecision');
    hub.say(offerRound(plan, model));
    await hub.until(() => hub.updates[0], 'an update at the second try');
    expect(trainer.trained).toHaveLength(1);
  });

  it('stops a training whose round was closed, and does the next', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    await start();
    await hub.hearing('planDecision');
    trainer.gate = new Promise(() => {});
    hub.say(offerRound(plan, model));
    await hub.until(() => trainer.trained.length === 1, 'training');
    hub.say({ roundClosed: { round: { run: RUN, round: 1, attempt: 1 }, outcome: 'abandoned' } });
    trainer.gate = Promise.resolve();
    hub.say(offerRound(plan, model, { attempt: 2 }));
    const { header } = await hub.until(() => hub.updates[0], 'the second attempt');
    expect(header.round).toMatchObject({ attempt: 2 });
    expect(hub.updates).toHaveLength(1);
  });

  it.each(['TRAINING_DIED', 'TRAINING_NOT_FINITE', 'DATA_CHANGED'] as const)(
    'answers %s with a refusal and its code alone',
    async (code) => {
      const model = hub.publish(modelOf(plan));
      hub.owed = [offerPlan(plan)];
      await start();
      await hub.hearing('planDecision');
      trainer.fails = new Fault(code, { secret: 'CANARY' }, new Error('CANARY'));
      hub.say(offerRound(plan, model, { evaluate: false }));
      expect(await hub.hearing('roundRefusal')).toEqual({ round: { run: RUN, round: 1, attempt: 1 }, code });
      expect(JSON.stringify([hub.heard, await journal()])).not.toContain('CANARY');
    },
  );

  it('does nothing for a round of a run that it did not approve, and says why', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerRound(plan, model)];
    await start();
    expect((await hub.hearing('roundRefusal')).code).toBe('PLAN_NOT_APPROVED');
    expect(trainer.trained).toEqual([]);
  });

  it('refuses a model that is not the plan’s, before and after the download', async () => {
    hub.owed = [offerPlan(plan)];
    await start();
    await hub.hearing('planDecision');
    const { modelDigest, modelBytes } = hub.publish(modelOf(plan));
    hub.say(offerRound(plan, { modelDigest, modelBytes: modelBytes + 4 }));
    expect((await hub.hearing('roundRefusal')).code).toBe('WEIGHTS_MISMATCH');
    hub.models.set(
      modelDigest,
      hub.models.get(modelDigest)!.map((byte, i) => (i === modelBytes - 1 ? byte ^ 1 : byte)),
    );
    hub.say(offerRound(plan, { modelDigest, modelBytes }, { attempt: 2 }));
    expect((await hub.hearing('roundRefusal', 2)).code).toBe('MODEL_DIGEST_MISMATCH');
  });
});

describe('an agent with a person at its side', () => {
  it('shows the waiting plan, waits, and takes part once the operator says so', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    await start({ approve: 'manual' });
    const waiting = async (): Promise<string> => {
      const { plans } = await askAgent(socket(), { command: 'plans' }, plansSchema);
      return plans.map(({ text }) => text).join();
    };
    await expect.poll(waiting).toContain('The coordinator sees each update, and updates can reveal images.');
    expect(hub.heard).toEqual([]);

    const reply = await askAgent(socket(), { command: 'approve', reference: planDigest(plan) }, decisionSchema);
    expect(reply).toEqual({ approved: true, code: null });
    expect(await hub.hearing('planDecision')).toMatchObject({ approved: true });
    hub.say(offerRound(plan, model));
    await hub.until(() => hub.updates[0], 'an update');
    const status = await askAgent(socket(), { command: 'status' }, statusSchema);
    expect(status).toMatchObject({
      site: SITE,
      connected: true,
      approve: 'manual',
      runs: [{ run: RUN, decision: 'approved' }],
    });
    expect(status.bytesUp).toBeGreaterThan(0);
  });
});

describe('an agent’s start', () => {
  it('is refused while another agent runs on the same state', async () => {
    await start();
    await expect(start()).rejects.toMatchObject({ code: 'STATE_LOCKED' });
  });

  it('is refused on a damaged journal, and says nothing to anybody', async () => {
    const agent = await start();
    await hub.until(() => hub.sessions > 0, 'the first session');
    await agent.stop();
    const path = join(folder, 'state', 'journal.jsonl');
    await writeFile(path, (await readFile(path, 'utf8')).replace('"sandbox":"on"', '"sandbox":"off"'));
    const before = hub.sessions;
    await expect(start()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
    expect(hub.sessions).toBe(before);
  });

  it('is refused when training cannot be cut off, and leaves no lock behind', async () => {
    trainer.open = () => Promise.reject(new Fault('SANDBOX_UNAVAILABLE'));
    await expect(start()).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
    trainer = new MemoryTrainer();
    await start();
  });
});

describe('strangers', () => {
  it('a coordinator of another federation hears no word', async () => {
    const foreign = await certificatesOf('elsewhere');
    const impostor = new TestHub();
    await hub.close();
    await expect(impostor.listen(foreign.coordinator, port)).rejects.toMatchObject({ code: expect.any(String) });
    // Its own federation's name is checked by the hub's class itself; so it poses with its own authority under ours.
    const posing = await certificatesOf(FEDERATION);
    await impostor.listen(posing.coordinator, port);
    await start();
    await expect
      .poll(() => log.lines.filter(({ code }) => typeof code === 'string' && code !== 'UNAVAILABLE').length, {
        timeout: 30_000,
      })
      .toBeGreaterThan(0);
    expect(impostor.sessions).toBe(0);
    expect(impostor.heard).toEqual([]);
    await impostor.close();
  });

  it('a coordinator that takes this site for another is not followed', async () => {
    hub.calls = 'site-b';
    hub.owed = [offerPlan(plan)];
    await start();
    await expect
      .poll(() => log.lines.some(({ code }) => code === 'CERTIFICATE_INVALID'), { timeout: 30_000 })
      .toBe(true);
    expect(await types()).not.toContain('plan.offered');
  });
});
