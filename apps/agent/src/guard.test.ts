import { createHash } from 'node:crypto';
import { planDigest } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import { layoutManifest, safetensorsByteLength, weightsOf, type Weights } from '@consilium/weights';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { admitUpdate, Guard } from './guard.js';
import { MemoryJournal } from './journal/journal.js';
import type { SessionMessage } from './outgoing.js';
import {
  approvedRecords,
  changed,
  DATASET,
  entriesOf,
  modelOf,
  NO_DIGEST,
  OTHER_RUN,
  planOf,
  RUN,
} from './plan.fixture.js';
import { Runs } from './runs.js';
import { clockAt, MemoryUplink, METRICS } from './twins.fixture.js';

const plan = planOf();
const { examples: _, ...metrics } = METRICS;
const HEADER = {
  kind: 'update-header',
  run: RUN,
  round: 1,
  attempt: 1,
  planDigest: planDigest(plan),
  modelDigest: NO_DIGEST,
  examples: DATASET.train.examples,
  loss: 0.5,
  metrics,
} as const;
const small = (): Weights => changed(modelOf(plan), () => 0.01);
const never = new AbortController().signal;

let journal: MemoryJournal;
let uplink: MemoryUplink;
let guard: Guard;
beforeEach(() => {
  journal = new MemoryJournal(clockAt());
  uplink = new MemoryUplink();
  guard = new Guard(new Runs(journal, entriesOf(approvedRecords())), uplink);
});
const entries = (type: string) => journal.entries.filter((entry) => entry.type === type);
const upload = (update: Weights, header: object = {}): Promise<void> =>
  guard.upload({ ...HEADER, ...header }, update, never);

describe('what the guard lets out', () => {
  const allowed: SessionMessage[] = [
    { kind: 'plan-decision', run: RUN, planDigest: planDigest(plan), approved: true, code: null },
    { kind: 'training-progress', run: RUN, round: 1, attempt: 1, step: 2, steps: 4, loss: 0.4 },
    { kind: 'round-refusal', run: RUN, round: 1, attempt: 1, code: 'TRAINING_DIED' },
    { kind: 'evaluation', run: RUN, modelDigest: NO_DIGEST, examples: DATASET.test.examples, metrics, code: null },
    { kind: 'evaluation', run: RUN, modelDigest: NO_DIGEST, examples: 0, metrics: null, code: 'DATA_EMPTY' },
  ];

  it.each(allowed)('lets out $kind, and nothing of it is blocked', async (message) => {
    await guard.send(message);
    expect(uplink.left).toEqual([message]);
    expect(entries('egress.blocked')).toEqual([]);
  });

  it('lets out an update that fits, as the exact bytes of its safetensors form', async () => {
    await upload(small());
    const [sent] = uplink.uploads;
    expect(sent?.bytes.byteLength).toBe(safetensorsByteLength(small().manifest));
    expect(sent?.header.sha256).toBe(createHash('sha256').update(sent!.bytes).digest('hex'));
  });

  it('has each message in the journal before it leaves, with its kind, its bytes and their SHA-256', async () => {
    const seen: unknown[] = [];
    uplink = new MemoryUplink((message) => {
      const written = entries('egress.sent').map((entry) => entry.type === 'egress.sent' && entry.message);
      expect(written).toContain(message.kind);
      seen.push(message.kind);
    });
    guard = new Guard(new Runs(journal, entriesOf(approvedRecords())), uplink);
    await guard.openSession(
      { kind: 'hello', protocolVersion: 1, features: [], software: 'consilium-agent/0.1.0' },
      never,
    );
    for (const message of allowed) await guard.send(message);
    await upload(small());
    expect(seen).toHaveLength(allowed.length + 2);
    const update = entries('egress.sent').at(-1);
    const bytes = uplink.uploads[0]!.bytes;
    expect(update).toMatchObject({ message: 'update', bytes: bytes.byteLength, run: RUN, round: 1, attempt: 1 });
    expect(update).toMatchObject({ sha256: createHash('sha256').update(bytes).digest('hex') });
  });

  it('sends nothing when the journal cannot take the line', async () => {
    const full = { append: () => Promise.reject(new Fault('DISK_FULL')), close: async () => {} };
    guard = new Guard(new Runs(full, entriesOf(approvedRecords())), uplink);
    for (const message of allowed) await expect(guard.send(message)).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(upload(small())).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(uplink.left).toEqual([]);
  });

  it('writes nothing of a message that cannot leave because no session is open', async () => {
    uplink.session = false;
    await expect(guard.send(allowed[2]!)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(journal.entries).toEqual([]);
  });
});

describe('what the guard keeps in', () => {
  const CANARY = 'CANARY^PATIENT^7F3A';
  const refusal = { kind: 'round-refusal', run: RUN, round: 1, attempt: 1, code: 'DATA_EMPTY' } as const;

  const blocked = async (message: object, code = 'EGRESS_BLOCKED'): Promise<void> => {
    await expect(guard.send(message as SessionMessage)).rejects.toMatchObject({ code });
    expect(uplink.left).toEqual([]);
    expect(journal.entries.map(({ type }) => type)).toEqual(['egress.blocked']);
    expect(JSON.stringify(journal.entries)).not.toContain('CANARY');
  };

  it('a kind of message that is not on the list', () => blocked({ kind: 'images', run: RUN, values: [1, 2, 3] }));
  it('the handshake or an update’s header by the wrong door', () =>
    blocked({ ...HEADER, length: 1, sha256: NO_DIGEST }));
  it('a code that is not of our catalogue, such as a parser’s error text', () => blocked({ ...refusal, code: CANARY }));
  it('a field that is not on the list', () => blocked({ ...refusal, detail: CANARY }));
  it('an id that is not an id', () => blocked({ ...refusal, run: CANARY }));
  it('a digest that is not a digest', () =>
    blocked({ kind: 'plan-decision', run: RUN, planDigest: CANARY, approved: true, code: null }));
  it('a number that is not finite', () =>
    blocked({ kind: 'training-progress', run: RUN, round: 1, attempt: 1, step: 1, steps: 4, loss: Number.NaN }));
  it('a metric that is not of the plan', () =>
    blocked({
      kind: 'evaluation',
      run: RUN,
      modelDigest: NO_DIGEST,
      examples: 12,
      metrics: { ...metrics, youngest: 3 },
      code: null,
    }));
  it('a metric outside its range', () =>
    blocked({
      kind: 'evaluation',
      run: RUN,
      modelDigest: NO_DIGEST,
      examples: 12,
      metrics: { ...metrics, auc: { value: 17, low: 0, high: 1 } },
      code: null,
    }));
  it('a list of numbers in the place of one', () =>
    blocked({
      kind: 'evaluation',
      run: RUN,
      modelDigest: NO_DIGEST,
      examples: 12,
      metrics: { ...metrics, auc: [0.1, 0.2] },
      code: null,
    }));
  it('a count of test images that is not the data’s', () =>
    blocked({ kind: 'evaluation', run: RUN, modelDigest: NO_DIGEST, examples: 11, metrics, code: null }));
  it('more steps than the plan has', () =>
    blocked({ kind: 'training-progress', run: RUN, round: 1, attempt: 1, step: 5, steps: 4, loss: 0.4 }));
  it('metrics or progress of a run that was not approved', async () => {
    await blocked(
      { kind: 'training-progress', run: OTHER_RUN, round: 1, attempt: 1, step: 1, steps: 4, loss: 0.4 },
      'PLAN_NOT_APPROVED',
    );
  });
  it('metrics of a run that ended', async () => {
    const records = [...approvedRecords(), { type: 'run.ended', run: RUN, outcome: 'finished' } as const];
    guard = new Guard(new Runs(journal, entriesOf(records)), uplink);
    await blocked(
      { kind: 'evaluation', run: RUN, modelDigest: NO_DIGEST, examples: 12, metrics, code: null },
      'RUN_TRANSITION_REFUSED',
    );
  });

  it('is not simply everything: the same refusal without the canary leaves', async () => {
    await guard.send(refusal);
    expect(uplink.left).toEqual([refusal]);
  });
});

describe('the updates that the guard keeps in', () => {
  const blocked = async (update: Weights, code: string, header: object = {}): Promise<void> => {
    await expect(upload(update, header)).rejects.toMatchObject({ code });
    expect(uplink.left).toEqual([]);
    expect(uplink.uploads).toEqual([]);
    expect(journal.entries).toMatchObject([{ type: 'egress.blocked', message: 'update', code }]);
  };

  it('one with a value that is not finite, wherever it stands', () => {
    const { size } = small().manifest;
    return fc.assert(
      fc.property(fc.nat(size - 1), fc.constantFrom(Number.NaN, Infinity, -Infinity), (at, value) => {
        const update = changed(small(), (old, i) => (i === at ? value : old));
        expect(() => admitUpdate(update, { plan })).toThrow(
          expect.objectContaining({ code: 'UPDATE_NOT_FINITE', facts: { at } }),
        );
      }),
    );
  });

  it('one beyond the norm bound, and not one at it', async () => {
    const { size } = small().manifest;
    const atBound = changed(small(), () => 100 / Math.sqrt(size) - 1e-5);
    await upload(atBound);
    expect(uplink.uploads).toHaveLength(1);
    uplink.left.length = uplink.uploads.length = journal.entries.length = 0;
    await blocked(
      changed(small(), () => 100 / Math.sqrt(size) + 1e-4),
      'UPDATE_NORM_EXCEEDED',
    );
  });

  it('one with an extra tensor that images could ride in', async () => {
    const { manifest } = small();
    const extended = layoutManifest([...manifest.tensors, { name: 'stowaway', shape: [64] }]);
    await blocked(weightsOf(extended, new Float32Array(extended.size)), 'WEIGHTS_MISMATCH');
  });

  it('one of another shape with the same number of values', async () => {
    const { size } = small().manifest;
    const other = layoutManifest([{ name: 'all', shape: [size] }]);
    await blocked(weightsOf(other, new Float32Array(size)), 'WEIGHTS_MISMATCH');
  });

  it('one whose buffer is longer than its manifest', async () => {
    const { manifest } = small();
    await blocked({ manifest, values: new Float32Array(manifest.size + 1) }, 'WEIGHTS_MISMATCH');
  });

  it('one that rests on other samples than were approved', () => blocked(small(), 'EGRESS_BLOCKED', { examples: 17 }));
  it('one with a loss that is not a number', () => blocked(small(), 'EGRESS_BLOCKED', { loss: Number.NaN }));
  it('one with a field more in its header', () => blocked(small(), 'EGRESS_BLOCKED', { note: 'CANARY' }));
  it('one of a plan that was not approved', () => blocked(small(), 'PLAN_NOT_APPROVED', { planDigest: NO_DIGEST }));
});

describe('a guard that was broken on purpose', () => {
  /** Each variant leaves one check out; the tests above must not pass with it, or they prove nothing. */
  class Careless extends Guard {
    override async send(message: SessionMessage): Promise<void> {
      await uplink.send(message);
    }
  }

  it('would have let the canary out, so the tests above can see one', async () => {
    guard = new Careless(new Runs(journal), uplink);
    const leak = {
      kind: 'round-refusal',
      run: RUN,
      round: 1,
      attempt: 1,
      code: 'CANARY^PATIENT',
    } as unknown as SessionMessage;
    await guard.send(leak);
    expect(JSON.stringify(uplink.left)).toContain('CANARY^PATIENT');
    expect(journal.entries).toEqual([]);
  });
});
