import { Fault } from '@consilium/stdx';
import { planDigest } from '@consilium/round';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalRecord } from './journal/entry.js';
import { MemoryJournal } from './journal/journal.js';
import { approvedRecords, DATASET, entriesOf, NO_DIGEST, OTHER_RUN, planOf, RUN } from './plan.fixture.js';
import { Runs } from './runs.js';
import { clockAt } from './twins.fixture.js';

const plan = planOf();
const digest = planDigest(plan);
const remembering = (records: readonly JournalRecord[]): Runs =>
  new Runs(new MemoryJournal(clockAt()), entriesOf(records));
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'allowed';
  } catch (error) {
    return Fault.from(error).code;
  }
};

describe('what the agent remembers of runs', () => {
  it('is nothing at the beginning', () => {
    expect(codeOf(() => remembering([]).approved(RUN, digest))).toBe('PLAN_NOT_APPROVED');
  });

  it('knows an approved run with its plan and its data after a restart', () => {
    const approved = remembering(approvedRecords()).approved(RUN, digest);
    expect(approved.plan).toEqual(plan);
    expect(approved.dataset.digest).toBe(DATASET.digest);
  });

  it('does not take an offer, or loaded data, for an approval', () => {
    expect(codeOf(() => remembering(approvedRecords().slice(0, 1)).approved(RUN, digest))).toBe('PLAN_NOT_APPROVED');
    expect(codeOf(() => remembering(approvedRecords().slice(0, 2)).approved(RUN, digest))).toBe('PLAN_NOT_APPROVED');
  });

  it('approves one run: neither another run of the same plan, nor another plan for the same run', () => {
    const runs = remembering(approvedRecords());
    expect(codeOf(() => runs.approved(OTHER_RUN, digest))).toBe('PLAN_NOT_APPROVED');
    expect(codeOf(() => runs.approved(RUN, NO_DIGEST))).toBe('PLAN_NOT_APPROVED');
    expect(codeOf(() => runs.approved(RUN, digest))).toBe('allowed');
  });

  it('does nothing more for a run that ended or was rejected, and lets go of its plan', () => {
    const ended = remembering([...approvedRecords(), { type: 'run.ended', run: RUN, outcome: 'finished' }]);
    expect(codeOf(() => ended.approved(RUN, digest))).toBe('RUN_TRANSITION_REFUSED');
    expect(ended.find(RUN)?.plan).toBeNull();
    const rejection = {
      type: 'plan.rejected',
      run: RUN,
      planDigest: digest,
      by: 'operator',
      code: 'PLAN_REJECTED',
    } as const;
    const rejected = remembering([...approvedRecords().slice(0, 1), rejection]);
    expect(codeOf(() => rejected.approved(RUN, digest))).toBe('PLAN_REJECTED');
    expect(rejected.find(RUN)?.decision).toEqual({ approved: false, by: 'operator', code: 'PLAN_REJECTED' });
  });

  it('remembers a rejection of an offer that could not be read', () => {
    const runs = remembering([
      { type: 'plan.rejected', run: RUN, planDigest: NO_DIGEST, by: 'agent', code: 'PLAN_INVALID' },
    ]);
    expect(runs.find(RUN)).toMatchObject({ planDigest: NO_DIGEST, plan: null, decision: { approved: false } });
  });

  it('refuses to guess at a plan that this release cannot read', () => {
    const foreign = {
      type: 'plan.offered',
      run: RUN,
      planDigest: NO_DIGEST,
      plan: { schema: 'consilium.plan/9' },
    } as const;
    expect(codeOf(() => remembering([foreign]))).toBe('STATE_UNREADABLE');
  });

  it('remembers the same whether it lived through the entries or replayed them', async () => {
    const any = fc.constantFrom<JournalRecord>(
      ...approvedRecords(plan, RUN),
      ...approvedRecords(plan, OTHER_RUN),
      { type: 'plan.rejected', run: RUN, planDigest: digest, by: 'operator', code: 'PLAN_REJECTED' },
      { type: 'run.ended', run: RUN, outcome: 'failed' },
      { type: 'training.started', run: OTHER_RUN, round: 1, attempt: 1, modelDigest: NO_DIGEST },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(any, { maxLength: 12 }), async (records) => {
        const journal = new MemoryJournal(clockAt());
        const lived = new Runs(journal);
        for (const record of records) await lived.write(record);
        expect(new Runs(new MemoryJournal(clockAt()), journal.entries).all()).toEqual(lived.all());
      }),
    );
  });

  it('changes nothing when the journal did not take the entry', async () => {
    const full = { append: () => Promise.reject(new Fault('DISK_FULL')), close: async () => {} };
    const runs = new Runs(full, entriesOf(approvedRecords()));
    await expect(runs.write({ type: 'run.ended', run: RUN, outcome: 'finished' })).rejects.toMatchObject({
      code: 'DISK_FULL',
    });
    expect(codeOf(() => runs.approved(RUN, digest))).toBe('allowed');
  });
});
