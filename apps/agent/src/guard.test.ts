import { cosign, signCheckpoint, type MessageKind } from '@consilium/ledger';
import { planDigest } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import { encodeSafetensors, safetensorsByteLength, type Weights } from '@consilium/weights';
import { beforeEach, describe, expect, it } from 'vitest';
import { Guard } from './guard.js';
import { approvedEvents } from './ledger.fixture.js';
import type { OutgoingOf, SessionMessage } from './outgoing.js';
import { approvalOf, changed, DATASET, KEY, modelOf, NO_DIGEST, OTHER_RUN, planOf, RUN, SITE } from './plan.fixture.js';
import { sha256Of } from './sha256.js';
import { siteWith } from './site.fixture.js';
import { signUpdate } from './statement.js';
import { MemoryUplink, SHARED } from './twins.fixture.js';

const plan = planOf();
const metrics = SHARED;
const small = (): Weights => changed(modelOf(plan), () => 0.01);
const bytes = encodeSafetensors(small());
const never = new AbortController().signal;
const NOTE = signCheckpoint({ origin: 'testfed/site/site-a/2026', size: 1, root: new Uint8Array(32) }, KEY);
const pass = { run: RUN, round: 1, attempt: 1 };

let site: ReturnType<typeof siteWith>;
beforeEach(() => void (site = siteWith()));

const permit = { run: RUN, planDigest: planDigest(plan), plan, dataset: DATASET, approval: approvalOf(plan) };
const contribution = { bytes, sha256: sha256Of(bytes), examples: DATASET.train.examples, loss: 0.5, metrics };
const statementOf = (offer: object = {}, about: object = {}): Uint8Array =>
  signUpdate(
    { ...contribution, ...about },
    { ...pass, modelDigest: NO_DIGEST, ...offer },
    {
      permit,
      site: SITE,
      checkpoint: { size: 2, root: NO_DIGEST },
      key: KEY,
    },
  );
const HEADER = {
  kind: 'update-header',
  ...pass,
  planDigest: planDigest(plan),
  modelDigest: NO_DIGEST,
  examples: DATASET.train.examples,
  loss: 0.5,
  metrics,
} as const;
const upload = (header: object = {}, sent = bytes, statement = statementOf()): Promise<void> =>
  site.guard.upload({ ...HEADER, statement, ...header }, sent, never);

const data: SessionMessage[] = [
  {
    kind: 'plan-decision',
    run: RUN,
    planDigest: planDigest(plan),
    approved: false,
    code: 'PLAN_REJECTED',
    envelope: null,
  },
  { kind: 'plan-withdrawal', run: RUN, planDigest: planDigest(plan) },
  { kind: 'training-progress', ...pass, step: 2, steps: 4, loss: 0.4 },
  { kind: 'round-refusal', ...pass, code: 'TRAINING_DIED' },
  { kind: 'evaluation', run: RUN, modelDigest: NO_DIGEST, examples: DATASET.test.examples, metrics, code: null },
  { kind: 'evaluation', run: RUN, modelDigest: NO_DIGEST, examples: 0, metrics: null, code: 'DATA_EMPTY' },
];
const ledgerTraffic: SessionMessage[] = [
  {
    kind: 'witness-answer',
    size: 3,
    cosignature: cosign('x\n1\ny\n', KEY, 'testfed/site/site-a', 1),
    knownSize: 3,
    code: null,
  },
  { kind: 'witness-answer', size: 3, cosignature: null, knownSize: 2, code: 'LEDGER_FORKED' },
  { kind: 'site-checkpoint', note: NOTE, oldSize: 0, consistency: [new Uint8Array(32)] },
];
const hello: OutgoingOf<'hello'> = {
  kind: 'hello',
  protocolVersion: 1,
  features: [],
  software: 'consilium-agent/0.1.0',
  coordinatorCheckpoint: null,
  ownCheckpoint: NOTE,
};

describe('what the guard lets out', () => {
  it.each([...data, ...ledgerTraffic])('lets out $kind, and nothing of it is blocked', async (message) => {
    await site.guard.send(message);
    expect(site.uplink.left).toEqual([message]);
    expect(site.types()).not.toContain('egress.blocked');
  });

  it('lets out the approval that stands in the log, and no other document in its place', async () => {
    const decision = {
      kind: 'plan-decision',
      run: RUN,
      planDigest: planDigest(plan),
      approved: true,
      code: null,
    } as const;
    const record = site.ledger.runs.find(RUN)!.decision as { envelope: typeof NO_DIGEST };
    const envelope = await site.documents.get(record.envelope);
    await site.guard.send({ ...decision, envelope });
    expect(site.uplink.left).toHaveLength(1);
    const other = Uint8Array.from(envelope, (byte, i) => (i === 9 ? byte ^ 1 : byte));
    for (const wrong of [null, other]) {
      await expect(site.guard.send({ ...decision, envelope: wrong })).rejects.toMatchObject({ code: 'EGRESS_BLOCKED' });
    }
    expect(site.uplink.left).toHaveLength(1);
  });

  it('lets out an update that fits, with its length and SHA-256 as they were measured', async () => {
    await upload();
    const [sent] = site.uplink.uploads;
    expect(sent?.bytes.byteLength).toBe(safetensorsByteLength(small().manifest));
    expect(sent?.header).toMatchObject({ sha256: sha256Of(bytes), length: bytes.byteLength, statement: statementOf() });
  });

  it('has each message of data or status in the log before it leaves, with its bytes and their SHA-256', async () => {
    const seen: MessageKind[] = [];
    const uplink = new MemoryUplink((message) => {
      const written = site.log.entries.flatMap((entry) => (entry.type === 'egress.sent' ? [entry.message] : []));
      expect(written).toContain(message.kind);
      seen.push(message.kind);
    });
    site = siteWith({ uplink });
    for (const message of data) await site.guard.send(message);
    await upload();
    expect(seen).toHaveLength(data.length + 1);
    expect(site.log.entries.at(-1)).toMatchObject({
      message: 'update',
      bytes: bytes.byteLength,
      sha256: sha256Of(bytes),
      ...pass,
    });
  });

  it('counts checkpoints and the handshake, and sums them when it is asked to', async () => {
    await site.guard.openSession(hello, never);
    for (const message of ledgerTraffic) await site.guard.send(message);
    expect(site.types()).toEqual([]);
    await site.tally.settle();
    const sizes = site.uplink.left.map((message) => site.uplink.encode(message).byteLength);
    const [first, ...others] = sizes;
    expect(site.log.entries).toEqual([
      { type: 'egress.summed', kind: 'keepalive', messages: 1, bytes: first },
      { type: 'egress.summed', kind: 'ledger', messages: 3, bytes: others.reduce((sum, n) => sum + n, 0) },
    ]);
  });

  it('sends nothing of data or status when the log cannot take the line', async () => {
    site.log.fails = new Fault('DISK_FULL');
    for (const message of data) await expect(site.guard.send(message)).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(upload()).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(site.uplink.left).toEqual([]);
  });

  it('writes nothing of a message that cannot leave because no session is open', async () => {
    site.uplink.session = false;
    await expect(site.guard.send(data[3]!)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(site.types()).toEqual([]);
  });
});

describe('what the guard keeps in', () => {
  const CANARY = 'CANARY^PATIENT^7F3A';
  const refusal = { kind: 'round-refusal', ...pass, code: 'DATA_EMPTY' } as const;
  const evaluation = { kind: 'evaluation', run: RUN, modelDigest: NO_DIGEST, examples: 12, metrics, code: null };
  const checkpoint = ledgerTraffic[2]!;

  it.each<[string, object]>([
    ['a kind of message that is not on the list', { kind: 'images', run: RUN, values: [1, 2, 3] }],
    ['the handshake by the wrong door', hello],
    ['an update’s header by the wrong door', { ...HEADER, length: 1, sha256: NO_DIGEST, statement: statementOf() }],
    ['a code that is not of our catalogue, such as a parser’s error text', { ...refusal, code: CANARY }],
    ['a field that is not on the list', { ...refusal, detail: CANARY }],
    ['an id that is not an id', { ...refusal, run: CANARY }],
    ['a digest that is not a digest', { ...data[0], planDigest: CANARY }],
    ['words instead of a checkpoint', { ...checkpoint, note: CANARY }],
    ['words behind a checkpoint', { ...checkpoint, note: NOTE.replace('\n\n', `\n${CANARY}\n\n`) }],
    ['a hash that is longer than one', { ...checkpoint, consistency: [Buffer.from(CANARY.repeat(3))] }],
    ['words instead of a cosignature', { ...ledgerTraffic[0], cosignature: `— ${CANARY}` }],
    ['a document where none belongs', { ...data[0], envelope: Buffer.from(CANARY) }],
    ['a number that is not finite', { ...data[2], loss: Number.NaN }],
    ['a loss with more digits than say something', { ...data[2], loss: 0.123_456 }],
    ['more steps than the plan has', { ...data[2], step: 5 }],
    ['a metric that is not of the plan', { ...evaluation, metrics: { ...metrics, youngest: 3 } }],
    ['a metric outside its range', { ...evaluation, metrics: { ...metrics, auc: { value: 17, low: 0, high: 1 } } }],
    ['a metric with four digits', { ...evaluation, metrics: { ...metrics, auc: { value: 0.8123, low: 0, high: 1 } } }],
    ['a list of numbers in the place of one', { ...evaluation, metrics: { ...metrics, auc: [0.1, 0.2] } }],
    ['a count of test images that is not the data’s', { ...evaluation, examples: 11 }],
    ['a count of test images without metrics', { ...evaluation, metrics: null, code: 'DATA_EMPTY', examples: 3 }],
  ])('%s', async (_name, message) => {
    await expect(site.guard.send(message as SessionMessage)).rejects.toMatchObject({ code: 'EGRESS_BLOCKED' });
    expect(site.uplink.left).toEqual([]);
    expect(site.types()).toEqual(['egress.blocked']);
    expect(JSON.stringify(site.log.entries)).not.toContain('CANARY');
  });

  it('a handshake with more to say', async () => {
    const chatty = { ...hello, software: `${CANARY}` };
    await expect(site.guard.openSession(chatty, never)).rejects.toMatchObject({ code: 'EGRESS_BLOCKED' });
    expect(site.uplink.left).toEqual([]);
  });

  const keptIn = async (message: SessionMessage, code: string): Promise<void> => {
    await expect(site.guard.send(message)).rejects.toMatchObject({ code });
    expect(site.uplink.left).toEqual([]);
    expect(site.log.entries.at(-1)).toMatchObject({ type: 'egress.blocked', code });
  };

  it('progress of a run that was not approved', () =>
    keptIn({ kind: 'training-progress', ...pass, run: OTHER_RUN, step: 1, steps: 4, loss: 0.4 }, 'PLAN_NOT_APPROVED'));

  it('metrics of a run that ended, whose approval was withdrawn, or whose plan is suspended', async () => {
    const ended = { type: 'run.ended', run: RUN, outcome: 'finished' } as const;
    site = siteWith({ more: [ended] });
    await keptIn(data[4]!, 'RUN_TRANSITION_REFUSED');
    site = siteWith({ more: [{ type: 'plan.withdrawn', run: RUN, plan: planDigest(plan), by: 'people' }] });
    await keptIn(data[4]!, 'PLAN_WITHDRAWN');
    site = siteWith({ more: [{ type: 'plan.suspended', plan: planDigest(plan), by: 'operator' }] });
    await keptIn(data[2]!, 'PLAN_SUSPENDED');
  });

  it('metrics on fewer than ten patients, and not on ten', async () => {
    const withPatients = (patients: number) =>
      siteWith({
        past: (documents) => approvedEvents(documents, plan, { dataset: { test: { ...DATASET.test, patients } } }),
      });
    site = withPatients(9);
    await keptIn(data[4]!, 'METRICS_TOO_FEW');
    await expect(upload()).rejects.toMatchObject({ code: 'METRICS_TOO_FEW' });
    await upload({ metrics: null }, bytes, statementOf({}, { metrics: null }));
    site = withPatients(10);
    await site.guard.send(data[4]!);
    expect(site.uplink.left).toHaveLength(1);
  });

  it('is not simply everything: the same refusal without the canary leaves', async () => {
    await site.guard.send(refusal);
    expect(site.uplink.left).toEqual([refusal]);
  });
});

describe('a guard that was broken on purpose', () => {
  /** It leaves all checks out; the tests above must not pass with it, or they prove nothing. */
  class Careless extends Guard {
    override async send(message: SessionMessage): Promise<void> {
      await site.uplink.send(message);
    }
  }

  it('would have let the canary out, so the tests above can see one', async () => {
    const { ledger, permits, tally, uplink } = site;
    const guard = new Careless({ ledger, permits, tally, uplink, signing: KEY.publicKey });
    await guard.send({ kind: 'round-refusal', ...pass, code: 'CANARY^PATIENT' } as unknown as SessionMessage);
    expect(JSON.stringify(uplink.left)).toContain('CANARY^PATIENT');
    expect(site.types()).toEqual([]);
  });
});
