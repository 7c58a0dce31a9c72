import { X509Certificate } from 'node:crypto';
import {
  createIntermediate,
  decodeBase64,
  encodePublicKey,
  issueLeaf,
  newRequest,
  openEnvelope,
} from '@consilium/identity';
import { Fault } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentPorts } from './agent.js';
import { CERTIFICATES, TestFederation } from './agent.fixture.js';
import { askAgent } from './control/client.js';
import type { Certificates } from './federation.fixture.js';
import { readIdentity } from './identity.js';
import { FEDERATION, ROOT, ROOT_MS } from './keys.fixture.js';
import { KEY, modelOf, planOf, RUN, SITE } from './plan.fixture.js';
import { offerPlan } from './hub.fixture.js';
import { readSettings } from './settings.js';

const HOUR = 3_600_000;
const subject = { kind: 'site', name: SITE } as const;
const intermediate = await createIntermediate({ root: ROOT, federation: FEDERATION, now: ROOT_MS, days: 90 });

/** The federation's certificates, the site's one issued so many hours ago. */
async function issued(hoursAgo: number): Promise<Certificates> {
  const { csr, privateKeyPem: privateKey } = await newRequest();
  const now = Date.now() - hoursAgo * HOUR;
  const { chainPem: certificate } = await issueLeaf({ intermediate, federation: FEDERATION, subject, csr, now });
  return { ...CERTIFICATES, site: { ca: ROOT.certificatePem, certificate, privateKey } };
}

/** A coordinator's desk that renews what the site's signing key asks for. */
function desk() {
  const asked: string[] = [];
  const enrolment: AgentPorts['enrolment'] = {
    renew: async (envelope) => {
      const { payload } = openEnvelope(envelope, 'renew', { all: [KEY.publicKey] });
      asked.push(payload.csr);
      const terms = { intermediate, federation: FEDERATION, subject, now: Date.now() };
      const { chainPem } = await issueLeaf({ ...terms, csr: decodeBase64(payload.csr, 'CSR_INVALID') });
      return { state: 'admitted', certificate: chainPem, roster: Buffer.alloc(0) };
    },
    close: () => {},
  };
  return { asked, enrolment };
}

let federation: TestFederation;
beforeEach(async () => {
  federation = await TestFederation.open();
});
afterEach(() => federation.close());
const identity = async () => readIdentity((await readSettings(`${federation.folder}/agent.yaml`, {})).identity);
const sessions = (count: number) => federation.hub.until(() => federation.hub.sessions >= count, `session ${count}`);

describe('an agent whose certificate is due', () => {
  it('renews it by itself, writes that down, and opens a session with it', async () => {
    const { hub } = federation;
    const { asked, enrolment } = desk();
    const old = await issued(20);
    await federation.start({}, { enrolment }, old);
    await sessions(2);
    expect(asked).toHaveLength(1);
    const { certificatePem } = await identity();
    expect(certificatePem).not.toBe(old.site.certificate);
    const [entry] = (await federation.entries()).filter(({ type }) => type === 'cert.renewed');
    expect(entry).toMatchObject({ notAfter: Date.parse(new X509Certificate(certificatePem).validTo) });
    const status = await askAgent(federation.socket, { command: 'status' });
    expect(status.certificateEndsMs).toBe(Date.parse(new X509Certificate(certificatePem).validTo));
    // The turn of the session is no trouble: nobody is told to wait.
    expect(federation.log.text()).not.toContain('no session with the coordinator');
    expect(hub.sessions).toBe(2);
  });

  it('fails no round for it: the work goes on, and the session turns when it is done', async () => {
    const { hub, trainer } = federation;
    const plan = planOf();
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    let renew!: () => void;
    const isTime = new Promise<void>((resolve) => (renew = resolve));
    const { asked, enrolment } = desk();
    const later: AgentPorts['enrolment'] = {
      ...enrolment,
      renew: async (...args) => (await isTime, enrolment.renew(...args)),
    };
    await federation.start({}, { enrolment: later }, await issued(20));
    await hub.hearing('planDecision');
    let goOn!: () => void;
    trainer.gate = new Promise((resolve) => (goOn = resolve));
    hub.say(...hub.round(plan, model));
    await hub.until(() => trainer.trained.length === 1, 'training');
    renew();
    await expect.poll(() => asked.length).toBe(1);
    await expect.poll(federation.types, { timeout: 30_000 }).toContain('cert.renewed');
    expect(hub.sessions).toBe(1); // it works, and its session stays

    goOn();
    await hub.until(() => hub.updates[0], 'an update, over the new certificate');
    hub.owed = [];
    hub.say({ roundClosed: { round: { run: RUN, round: 1, attempt: 1 }, outcome: 'published' } });
    await sessions(2);
    hub.say(...hub.round(plan, model, { round: 2 }));
    await hub.until(() => hub.updates[1], 'an update of the next round');
    expect(hub.heard.filter(({ roundRefusal }) => roundRefusal)).toEqual([]);
  });

  it('is not stubborn when the coordinator has ended the old session first', async () => {
    const { hub, trainer } = federation;
    const plan = planOf();
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    const { asked, enrolment } = desk();
    let renew!: () => void;
    const isTime = new Promise<void>((resolve) => (renew = resolve));
    const later = {
      ...enrolment,
      renew: async (...args: Parameters<typeof enrolment.renew>) => (await isTime, enrolment.renew(...args)),
    };
    await federation.start({}, { enrolment: later }, await issued(20));
    await hub.hearing('planDecision');
    trainer.gate = new Promise(() => {});
    hub.say(...hub.round(plan, model));
    await hub.until(() => trainer.trained.length === 1, 'training');
    renew();
    await expect.poll(() => asked.length).toBe(1);
    await expect.poll(federation.log.text, { timeout: 30_000 }).toContain('certificate renewed');
    hub.drop(new Fault('SESSION_REPLACED'));
    await sessions(2);
    expect(federation.log.text()).not.toContain('no session with the coordinator');
    // The control: where no certificate is due, the same end of a session is waited out.
    hub.drop(new Fault('SESSION_REPLACED'));
    await expect.poll(federation.log.text, { timeout: 30_000 }).toContain('"waitMs":15000');
  });

  it('comes back with a lapsed certificate, and opens no session before it is renewed', async () => {
    const { asked, enrolment } = desk();
    let tries = 0;
    const refusing: AgentPorts['enrolment'] = {
      ...enrolment,
      renew: (...args) => {
        expect(federation.hub.hellos).toEqual([]);
        return tries++ === 0 ? Promise.reject(new Fault('UNAVAILABLE')) : enrolment.renew(...args);
      },
    };
    await federation.start({}, { enrolment: refusing }, await issued(72));
    await sessions(1);
    expect(asked).toHaveLength(1);
    expect(federation.log.text()).toContain('the certificate is not renewed yet');
  });

  it('can be stopped while it waits for one', async () => {
    const { enrolment } = desk();
    const away = { ...enrolment, renew: () => Promise.reject(new Fault('UNAVAILABLE')) };
    const agent = await federation.start({}, { enrolment: away }, await issued(72));
    await agent.stop();
    await agent.ended;
    expect(federation.hub.sessions).toBe(0);
  });

  it('has the people and the rule of its settings in its log, once', async () => {
    const first = await federation.start();
    await first.stop();
    const approvers = [{ role: 'operator', signing: encodePublicKey(KEY.publicKey) }];
    const second = await federation.start({ approvers });
    await second.stop();
    await (await federation.start({ approvers })).stop();
    expect((await federation.types()).filter((type) => type === 'policy.changed')).toHaveLength(2);
  });

  it('does not start where people shall decide and none is named', async () => {
    await expect(federation.start({ approve: 'manual' })).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      facts: { path: 'approvers' },
    });
    await federation.start(); // it left no lock behind
  });
});
