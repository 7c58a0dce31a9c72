import { createHash } from 'node:crypto';
import { canonicalJson, type Digest } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approvedRecords, NO_DIGEST, RUN } from '../plan.fixture.js';
import { GENESIS, readChain, seal } from './chain.js';
import type { JournalRecord } from './entry.js';

const RECORDS: JournalRecord[] = [
  ...approvedRecords(),
  { type: 'training.started', run: RUN, round: 1, attempt: 1, modelDigest: NO_DIGEST },
  { type: 'egress.sent', message: 'update', bytes: 10, sha256: NO_DIGEST, run: RUN, round: 1, attempt: 1 },
  { type: 'run.ended', run: RUN, outcome: 'finished' },
];

const write = (records: readonly JournalRecord[]): Buffer => {
  let head = GENESIS;
  const lines = records.map((record, i) => {
    const sealed = seal(head, i, record);
    head = sealed.head;
    return sealed.line;
  });
  return Buffer.from(lines.join(''));
};
const corrupt = (file: Uint8Array): unknown => {
  try {
    readChain(file);
    return 'accepted';
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('the chain of a journal', () => {
  it('reads back what was written, in order and with its place', () => {
    const { entries, head, tornBytes } = readChain(write(RECORDS));
    expect(entries.map(({ type }) => type)).toEqual(RECORDS.map(({ type }) => type));
    expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(head.seq).toBe(6);
    expect(tornBytes).toBe(0);
  });

  it('links each line to the SHA-256 of the line before, without its line feed', () => {
    const [first, second] = write(RECORDS).toString().split('\n') as [string, string];
    expect(JSON.parse(first).prev).toBe('0'.repeat(64));
    expect(JSON.parse(second).prev).toBe(createHash('sha256').update(first).digest('hex'));
  });

  it('writes canonical JSON: sorted keys, no spaces', () => {
    const [, second] = write(RECORDS).toString().split('\n') as [string, string];
    expect(second).toBe(canonicalJson(JSON.parse(second)));
    expect(second.startsWith('{"at":1,"digest":"dddd')).toBe(true);
  });

  it('accepts an empty file as an empty journal', () => {
    expect(readChain(new Uint8Array())).toEqual({ entries: [], head: GENESIS, bytes: 0, tornBytes: 0 });
  });

  it('tells a torn last line from damage, at every length it can be torn', () => {
    const file = write(RECORDS);
    const lastStarts = file.subarray(0, -1).lastIndexOf(0x0a) + 1;
    fc.assert(
      fc.property(fc.integer({ min: lastStarts + 1, max: file.byteLength - 1 }), (length) => {
        const { entries, bytes, tornBytes } = readChain(file.subarray(0, length));
        expect([entries.length, bytes, tornBytes]).toEqual([5, lastStarts, length - lastStarts]);
      }),
    );
  });

  const flipped = (file: Uint8Array, at: number, flip: number): Buffer => {
    const damaged = Buffer.from(file);
    damaged[at]! ^= flip;
    return damaged;
  };
  const anyFlip = fc.integer({ min: 1, max: 255 });

  it('finds any changed byte of any line that another one follows', () => {
    const file = write(RECORDS);
    const lastStarts = file.subarray(0, -1).lastIndexOf(0x0a) + 1;
    fc.assert(
      fc.property(fc.nat(lastStarts - 1), anyFlip, (at, flip) => {
        expect(corrupt(flipped(file, at, flip))).toBe('JOURNAL_CORRUPT');
      }),
      { numRuns: 500 },
    );
  });

  it('never ends at the known digest when any byte of the last line was changed', () => {
    // A digit of its time can become another digit: only who holds the digest from elsewhere sees that.
    const file = write(RECORDS);
    const { head } = readChain(file);
    const lastStarts = file.subarray(0, -1).lastIndexOf(0x0a) + 1;
    fc.assert(
      fc.property(fc.integer({ min: lastStarts, max: file.byteLength - 2 }), anyFlip, (at, flip) => {
        const damaged = flipped(file, at, flip);
        if (corrupt(damaged) === 'accepted') expect(readChain(damaged).head.hash).not.toBe(head.hash);
      }),
      { numRuns: 500 },
    );
  });

  it('finds a line that was taken out, doubled, or moved', () => {
    const lines = write(RECORDS)
      .toString()
      .split(/(?<=\n)/);
    const joined = (order: readonly number[]): Buffer => Buffer.from(order.map((i) => lines[i]).join(''));
    expect(corrupt(joined([0, 2, 3, 4, 5]))).toBe('JOURNAL_CORRUPT');
    expect(corrupt(joined([1, 2, 3]))).toBe('JOURNAL_CORRUPT');
    expect(corrupt(joined([0, 1, 1, 2]))).toBe('JOURNAL_CORRUPT');
    expect(corrupt(joined([0, 2, 1, 3]))).toBe('JOURNAL_CORRUPT');
    expect(corrupt(joined([0, 1, 2, 3]))).toBe('accepted');
  });

  it('finds an entry of an unknown type, an unknown field and a line that is not canonical', () => {
    const line = (value: object): Buffer => Buffer.from(`${canonicalJson(value)}\n`);
    const place = { seq: 1, prev: GENESIS.hash, at: 0 };
    expect(corrupt(line({ ...place, type: 'something.else' }))).toBe('JOURNAL_CORRUPT');
    expect(corrupt(line({ ...place, type: 'journal.repaired', tornBytes: 1, note: 'x' }))).toBe('JOURNAL_CORRUPT');
    expect(corrupt(Buffer.from(`${JSON.stringify({ type: 'journal.repaired', tornBytes: 1, ...place })}\n`))).toBe(
      'JOURNAL_CORRUPT',
    );
    expect(corrupt(line({ ...place, type: 'journal.repaired', tornBytes: 1 }))).toBe('accepted');
  });

  it('names the line that is wrong and quotes nothing of it', () => {
    const file = Buffer.concat([write(RECORDS), Buffer.from('CANARY^PATIENT\n')]);
    expect(() => readChain(file)).toThrow(
      expect.objectContaining({ code: 'JOURNAL_CORRUPT', facts: { line: 7, what: 'not an object in canonical JSON' } }),
    );
  });
});

describe('what a journal can say', () => {
  const CANARY = 'CANARY^PATIENT^7F3A';
  const refused = (record: unknown): void => {
    expect(() => seal(GENESIS, 0, record as JournalRecord)).toThrow('closed set');
  };

  it('has no field that a patient’s name fits in', () => {
    for (const record of RECORDS) {
      for (const key of Object.keys(record).filter((key) => key !== 'plan')) refused({ ...record, [key]: CANARY });
      refused({ ...record, extra: CANARY });
    }
    refused({ type: 'plan.rejected', run: RUN, planDigest: NO_DIGEST, by: 'agent', code: CANARY });
    refused({ type: 'egress.blocked', message: 'unknown', code: CANARY });
    refused({ type: CANARY });
  });

  it('takes the same entries without the canary, so that the refusals above are for its sake', () => {
    for (const record of RECORDS) expect(seal(GENESIS, 0, record).entry).toMatchObject({ type: record.type });
    const rejected = {
      type: 'plan.rejected',
      run: RUN,
      planDigest: NO_DIGEST as Digest,
      by: 'agent',
      code: 'DATA_EMPTY',
    } as const;
    expect(seal(GENESIS, 0, rejected).entry.type).toBe('plan.rejected');
  });
});
