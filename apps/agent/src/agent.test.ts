import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addSignature, encodePublicKey, signEnvelope, type Approval } from '@consilium/identity';
import { planDigest } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import { decodeSafetensors, subtract } from '@consilium/weights';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CERTIFICATES, TestFederation } from './agent.fixture.js';
import { askAgent } from './control/client.js';
import type { ControlRequest } from './control/protocol.js';
import { certificatesOf, FEDERATION, foreignRoot } from './federation.fixture.js';
import { offerPlan, TestHub } from './hub.fixture.js';
import { keyOf } from './keys.fixture.js';
import { DATASET, modelOf, planOf, RUN, SITE } from './plan.fixture.js';
import { MemoryTrainer } from './twins.fixture.js';

const plan = planOf();
let federation: TestFederation;
let hub: TestHub;
beforeEach(async () => {
  federation = await TestFederation.open();
  hub = federation.hub;
});
afterEach(() => federation.close());

describe('an agent and its coordinator', () => {
  it('goes through a run: approves, trains, is measured, and knows that it ended', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    await federation.start();
    expect(await hub.hearing('planDecision')).toMatchObject({
      run: RUN,
      planDigest: planDigest(plan),
      approved: true,
      code: '',
    });

    hub.say(...hub.round(plan, model));
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
    hub.say(...hub.evaluation(plan, model));
    expect(await hub.hearing('evaluation')).toMatchObject({ examples: DATASET.test.examples, code: '' });
    hub.say({ runEnded: { run: RUN, outcome: 'finished' } });
    await expect.poll(federation.types).toContain('run.ended');
    const unsummed = (await federation.types()).filter((type) => !/^(egress|ingress)/.test(type));
    expect(unsummed).toEqual([
      'shard.opened',
      'software.started',
      'identity.enrolled',
      'policy.changed',
      'roster.accepted',
      'plan.offered',
      'dataset.loaded',
      'plan.approved',
      'witness.cosigned',
      'evidence.accepted',
      'training.started',
      'training.finished',
      'update.signed',
      'round.closed',
      'witness.cosigned',
      'evidence.accepted',
      'run.ended',
    ]);
  });

  it('has every message and every update that arrived in its log, and nothing else', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    await federation.start();
    await hub.hearing('planDecision');
    hub.say(...hub.round(plan, model));
    const { bytes } = await hub.until(() => hub.updates[0], 'an update');
    const sent = (await federation.entries()).flatMap((entry) => (entry.type === 'egress.sent' ? [entry] : []));
    const inSession = sent.filter(({ message }) => !['update-header', 'update'].includes(message));
    expect(inSession).toHaveLength(hub.heard.length);
    expect(sent.filter(({ message }) => message === 'update').map((entry) => entry.bytes)).toEqual([bytes.byteLength]);
  });

  it('comes back after the session broke, and is not asked twice', async () => {
    hub.owed = [offerPlan(plan)];
    await federation.start();
    await hub.hearing('planDecision');
    hub.drop(new Fault('UNAVAILABLE'));
    await hub.until(() => hub.sessions === 2, 'a second session');
    await hub.hearing('planDecision', 2);
    expect((await federation.types()).filter((type) => type === 'plan.approved')).toHaveLength(1);
  });

  it('comes back when the coordinator itself was gone', async () => {
    await federation.start();
    await hub.until(() => hub.sessions === 1, 'a session');
    await hub.close();
    hub = federation.hub = new TestHub();
    await hub.listen(CERTIFICATES.coordinator, federation.port);
    await hub.until(() => hub.sessions === 1, 'a session with the new coordinator');
  });

  it('after a restart answers from its log, and goes on with a run that it had approved', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    const first = await federation.start();
    await hub.hearing('planDecision');
    await first.stop();
    hub.owed = hub.round(plan, model);
    await federation.start();
    await hub.until(() => hub.updates[0], 'an update after the restart');
    expect((await federation.types()).filter((type) => type === 'software.started')).toHaveLength(2);
    expect(federation.trainer.loaded).toHaveLength(1);
  });

  it('takes up an upload that the coordinator could not take, without training again', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    hub.refuse = new Fault('DISK_FULL');
    await federation.start();
    await hub.hearing('planDecision');
    hub.say(...hub.round(plan, model));
    await hub.until(() => hub.updates[0], 'an update at the second try');
    expect(federation.trainer.trained).toHaveLength(1);
  });

  it('stops a training whose round was closed, and does the next', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    await federation.start();
    await hub.hearing('planDecision');
    federation.trainer.gate = new Promise(() => {});
    hub.say(...hub.round(plan, model));
    await hub.until(() => federation.trainer.trained.length === 1, 'training');
    hub.say({ roundClosed: { round: { run: RUN, round: 1, attempt: 1 }, outcome: 'abandoned' } });
    federation.trainer.gate = Promise.resolve();
    hub.say(...hub.round(plan, model, { attempt: 2 }));
    const { header } = await hub.until(() => hub.updates[0], 'the second attempt');
    expect(header.round).toMatchObject({ attempt: 2 });
    expect(hub.updates).toHaveLength(1);
  });

  it.each(['TRAINING_DIED', 'TRAINING_NOT_FINITE', 'DATA_CHANGED'] as const)(
    'answers %s with a refusal and its code alone',
    async (code) => {
      const model = hub.publish(modelOf(plan));
      hub.owed = [offerPlan(plan)];
      await federation.start();
      await hub.hearing('planDecision');
      federation.trainer.fails = new Fault(code, { secret: 'CANARY' }, new Error('CANARY'));
      hub.say(...hub.round(plan, model, { evaluate: false }));
      expect(await hub.hearing('roundRefusal')).toEqual({ round: { run: RUN, round: 1, attempt: 1 }, code });
      expect(JSON.stringify([hub.heard, await federation.entries()])).not.toContain('CANARY');
    },
  );

  it('does nothing for a round of a run that it did not approve, and says why', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = hub.round(plan, model);
    await federation.start();
    expect((await hub.hearing('roundRefusal')).code).toBe('PLAN_NOT_APPROVED');
    expect(federation.trainer.trained).toEqual([]);
  });

  it('refuses a model that is not the plan’s, before and after the download', async () => {
    hub.owed = [offerPlan(plan)];
    await federation.start();
    await hub.hearing('planDecision');
    const { modelDigest, modelBytes } = hub.publish(modelOf(plan));
    hub.say(...hub.round(plan, { modelDigest, modelBytes: modelBytes + 4 }));
    expect((await hub.hearing('roundRefusal')).code).toBe('WEIGHTS_MISMATCH');
    hub.models.set(
      modelDigest,
      hub.models.get(modelDigest)!.map((byte, i) => (i === modelBytes - 1 ? byte ^ 1 : byte)),
    );
    hub.say(...hub.round(plan, { modelDigest, modelBytes }, { attempt: 2 }));
    expect((await hub.hearing('roundRefusal', 2)).code).toBe('MODEL_DIGEST_MISMATCH');
  });
});

describe('an agent with people at its side', () => {
  it('shows the waiting plan, waits until both have signed, and then takes part', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    const people = { operator: keyOf('operator'), 'data-protection-officer': keyOf('officer') };
    const approvers = Object.entries(people).map(([role, key]) => ({ role, signing: encodePublicKey(key.publicKey) }));
    await federation.start({ approve: 'manual', approvers });
    const ask = <R extends ControlRequest>(request: R) => askAgent(federation.socket, request);
    await expect.poll(async () => (await ask({ command: 'plans' })).plans).toHaveLength(1);

    const page = await ask({ command: 'plan', reference: planDigest(plan), read: true });
    const approval: Approval = { ...(JSON.parse(page.draft!) as Approval), by: 'people', envelope: null };
    const first = signEnvelope('approval', approval, [people.operator]);
    const both = addSignature(first, 'approval', people['data-protection-officer']);
    const sign = (bytes: Uint8Array) =>
      ask({ command: 'sign', run: RUN, document: Buffer.from(bytes).toString('base64') });
    expect(await sign(first)).toEqual({ approved: false, missing: ['data-protection-officer'] });
    expect(hub.heard).toEqual([]);
    expect(await sign(both)).toEqual({ approved: true, missing: [] });
    expect(await hub.hearing('planDecision')).toMatchObject({ approved: true });

    hub.say(...hub.round(plan, model));
    await hub.until(() => hub.updates[0], 'an update');
    const status = await ask({ command: 'status' });
    expect(status).toMatchObject({ site: SITE, connected: true, runs: [{ run: RUN, decision: 'approved' }] });
    expect(status.witness).toEqual({ size: hub.log.size, refused: null });
    expect(status.bytesUp).toBeGreaterThan(0);
  });
});

describe('an agent’s start', () => {
  it('is refused while another agent runs on the same state', async () => {
    await federation.start();
    await expect(federation.start()).rejects.toMatchObject({ code: 'STATE_LOCKED' });
  });

  it('is refused on a damaged log, and says nothing to anybody', async () => {
    const agent = await federation.start();
    await hub.hearing('siteCheckpoint');
    await agent.stop();
    const rows = join(federation.state, 'ledger', 'rows.jsonl');
    const bundle = join(federation.state, 'ledger', String(new Date().getUTCFullYear()), 'tile', 'entries', '000.p');
    const [name] = await readdir(bundle);
    const path = join(bundle, name!);
    await writeFile(path, (await readFile(path, 'latin1')).replace('"sandbox":"on"', '"sandbox":"no"'), 'latin1');
    const before = hub.sessions;
    await expect(federation.start()).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
    expect(hub.sessions).toBe(before);
    expect(await readFile(rows, 'utf8')).toContain('shard');
  });

  it('is refused when training cannot be cut off, and leaves no lock behind', async () => {
    federation.trainer.open = () => Promise.reject(new Fault('SANDBOX_UNAVAILABLE'));
    await expect(federation.start()).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
    federation.trainer = new MemoryTrainer();
    await federation.start();
  });
});

describe('strangers', () => {
  it('a coordinator of another federation hears no word', async () => {
    const impostor = new TestHub();
    await hub.close();
    // It poses with its own root under our federation's name.
    const posing = await certificatesOf(FEDERATION, await foreignRoot(FEDERATION));
    await impostor.listen(posing.coordinator, federation.port);
    await federation.start();
    await expect
      .poll(
        () => federation.log.lines.filter(({ code }) => typeof code === 'string' && code !== 'UNAVAILABLE').length,
        {
          timeout: 30_000,
        },
      )
      .toBeGreaterThan(0);
    expect(impostor.sessions).toBe(0);
    expect(impostor.heard).toEqual([]);
    await impostor.close();
  });

  it('a coordinator that takes this site for another is not followed', async () => {
    hub.calls = 'site-b';
    hub.owed = [offerPlan(plan)];
    await federation.start();
    await expect
      .poll(() => federation.log.lines.some(({ code }) => code === 'CERTIFICATE_INVALID'), { timeout: 30_000 })
      .toBe(true);
    expect(await federation.types()).not.toContain('plan.offered');
  });
});
