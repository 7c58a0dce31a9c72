import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestFederation } from './agent.fixture.js';
import { FEDERATION } from './federation.fixture.js';
import { HubLog } from './hub-log.fixture.js';
import { offerPlan, TestHub } from './hub.fixture.js';
import { modelOf, planOf, SITE } from './plan.fixture.js';

const plan = planOf();
let federation: TestFederation;
let hub: TestHub;
beforeEach(async () => {
  federation = await TestFederation.open();
  hub = federation.hub;
});
afterEach(() => federation.close());

describe('an agent and two histories', () => {
  it('is shown a checkpoint of its own log that comes back cosigned, after each round and at each session', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    await federation.start();
    await hub.hearing('siteCheckpoint');
    await hub.hearing('planDecision');
    hub.say(...hub.round(plan, model));
    await hub.until(() => hub.updates[0], 'an update');
    await hub.hearing('siteCheckpoint', 2);
    const path = join(federation.state, 'ledger', String(new Date().getUTCFullYear()), 'checkpoint');
    await expect.poll(() => readFile(path, 'utf8'), { timeout: 30_000 }).toContain(`— ${FEDERATION}/coordinator `);
  });

  it('does no more work once the coordinator forked its log, also after a restart, until the operator says so', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    const first = await federation.start();
    await hub.hearing('planDecision');
    const other = hub.log.fork();
    hub.say(...hub.round(plan, model));
    await hub.until(() => hub.updates[0], 'an update');
    // The other branch, as it might be shown to another site.
    const forked = new TestHub(other);
    const lie = forked.round(plan, model, { round: 2 });
    hub.say(...lie);
    expect(await hub.hearing('roundRefusal')).toMatchObject({ code: 'LEDGER_FORKED' });
    expect(await federation.types()).toEqual(expect.arrayContaining(['witness.refused', 'alert']));
    await first.stop();

    hub.owed = [];
    const second = await federation.start();
    await hub.until(() => hub.sessions === 2, 'a second session');
    hub.say(...hub.round(plan, model, { round: 2 }));
    expect(await hub.hearing('roundRefusal', 2)).toMatchObject({ code: 'LEDGER_FORKED' });
    await second.stop();

    await federation.start({}, { resume: true });
    await hub.until(() => hub.sessions === 3, 'a third session');
    hub.witnessed = 0;
    hub.say(...hub.round(plan, model, { round: 2, attempt: 2 }));
    await hub.until(() => hub.updates[1], 'an update after the operator’s word');
  });

  it('does nothing when it was started from an old copy of its state: a withdrawn approval stays withdrawn', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    const first = await federation.start();
    await hub.hearing('planDecision');
    await hub.hearing('siteCheckpoint');
    await first.stop();
    const state = federation.state;
    await cp(state, join(federation.folder, 'snapshot'), { recursive: true });
    // It goes on, and the coordinator sees more of its log than the snapshot has.
    hub.owed = [];
    const second = await federation.start();
    const before = hub.siteCheckpoint;
    await expect.poll(() => hub.siteCheckpoint, { timeout: 30_000 }).not.toBe(before);
    await second.stop();
    await rm(state, { recursive: true });
    await cp(join(federation.folder, 'snapshot'), state, { recursive: true });

    hub.owed = hub.round(plan, model);
    const restored = await federation.start();
    await expect(restored.ended).rejects.toMatchObject({ code: 'LEDGER_ROLLED_BACK' });
    expect(hub.updates).toEqual([]);
    expect(federation.log.text()).toContain('log restore --witnessed');
  });

  it('tells the coordinator how much of both logs it knows', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    await federation.start();
    await hub.hearing('planDecision');
    hub.say(...hub.round(plan, model));
    await hub.until(() => hub.updates[0], 'an update');
    await hub.hearing('siteCheckpoint', 2);
    hub.drop(new Fault('UNAVAILABLE'));
    await hub.until(() => hub.sessions === 2, 'a second session');
    const [, hello] = hub.hellos;
    expect(hello!.coordinatorCheckpoint.toString()).toBe(hub.log.note());
    expect(hello!.ownCheckpoint.toString()).toContain(`${FEDERATION}/site/${SITE}/`);
  });

  it('shows a coordinator with another log no more than that it cosigned the first', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    await federation.start();
    await hub.hearing('planDecision');
    hub.say(...hub.round(plan, model));
    await hub.until(() => hub.updates[0], 'an update');
    const restored = new TestHub(new HubLog());
    hub.say(restored.round(plan, model, { round: 2 })[0]!);
    const answer = await hub.until(
      () => hub.heardOfLogs.map(({ witnessAnswer }) => witnessAnswer).find((one) => one?.code),
      'a refusal',
    );
    expect(answer).toMatchObject({ knownSize: hub.log.size, cosignature: Buffer.alloc(0) });
  });
});
