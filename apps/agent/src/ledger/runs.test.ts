import type { SiteEvent } from '@consilium/ledger';
import { planDigest } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approvedEvents, MemoryDocuments, memoryLedger } from '../ledger.fixture.js';
import { DATASET, NO_DIGEST, OTHER_RUN, planOf, RUN } from '../plan.fixture.js';
import { Runs } from './runs.js';

const plan = planOf();
const digest = planDigest(plan);
const approved = approvedEvents(new MemoryDocuments(), plan);
const remembering = (events: readonly SiteEvent[]): Runs => {
  const runs = new Runs();
  for (const event of events) runs.follow(event);
  return runs;
};
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'allowed';
  } catch (error) {
    return Fault.from(error).code;
  }
};
const after = (...events: SiteEvent[]): string =>
  codeOf(() => remembering([...approved, ...events]).approved(RUN, digest));

describe('what the agent remembers of runs', () => {
  it('is nothing at the beginning', () => {
    expect(codeOf(() => remembering([]).approved(RUN, digest))).toBe('PLAN_NOT_APPROVED');
  });

  it('knows an approved run with its approval and its data after a restart', () => {
    const run = remembering(approved).approved(RUN, digest);
    expect(run.dataset.digest).toBe(DATASET.digest);
    expect(run.decision).toEqual({ approved: true, by: 'auto', envelope: expect.any(String) });
  });

  it('does not take an offer, or loaded data, for an approval', () => {
    expect(codeOf(() => remembering(approved.slice(0, 1)).approved(RUN, digest))).toBe('PLAN_NOT_APPROVED');
    expect(codeOf(() => remembering(approved.slice(0, 2)).approved(RUN, digest))).toBe('PLAN_NOT_APPROVED');
  });

  it('approves one run: neither another run of the same plan, nor another plan for the same run', () => {
    const runs = remembering(approved);
    expect(codeOf(() => runs.approved(OTHER_RUN, digest))).toBe('PLAN_NOT_APPROVED');
    expect(codeOf(() => runs.approved(RUN, NO_DIGEST))).toBe('PLAN_NOT_APPROVED');
    expect(codeOf(() => runs.approved(RUN, digest))).toBe('allowed');
  });

  it('keeps the data that the approval was given for, whatever is looked into later', () => {
    const later = { ...approved[1], dataset: NO_DIGEST } as SiteEvent;
    expect(remembering([...approved, later]).approved(RUN, digest).dataset.digest).toBe(DATASET.digest);
    const before = [approved[0]!, later, approved[1]!, approved[2]!];
    expect(remembering(before).approved(RUN, digest).dataset.digest).toBe(DATASET.digest);
  });

  it('does nothing more for a run that ended, was rejected, withdrawn, or whose plan is suspended', () => {
    expect(after({ type: 'run.ended', run: RUN, outcome: 'finished' })).toBe('RUN_TRANSITION_REFUSED');
    expect(after({ type: 'plan.withdrawn', run: RUN, plan: digest, by: 'people' })).toBe('PLAN_WITHDRAWN');
    const suspended: SiteEvent = { type: 'plan.suspended', plan: digest, by: 'data-protection-officer' };
    expect(after(suspended)).toBe('PLAN_SUSPENDED');
    const resumed = (by: 'operator' | 'data-protection-officer'): SiteEvent => ({
      type: 'plan.resumed',
      plan: digest,
      by,
    });
    expect(after(suspended, resumed('data-protection-officer'))).toBe('allowed');
    expect(after(suspended, resumed('operator'))).toBe('PLAN_SUSPENDED');
    const rejected = remembering([
      approved[0]!,
      { type: 'plan.rejected', run: RUN, plan: digest, by: 'operator', code: 'PLAN_REJECTED' },
    ]);
    expect(codeOf(() => rejected.approved(RUN, digest))).toBe('PLAN_REJECTED');
  });

  it('cannot be talked out of a decision: the first one stands', () => {
    const approval = approved[2]!;
    const rejection: SiteEvent = { type: 'plan.rejected', run: RUN, plan: digest, by: 'people', code: 'PLAN_REJECTED' };
    expect(after(rejection)).toBe('allowed');
    expect(codeOf(() => remembering([approved[0]!, rejection, approval]).approved(RUN, digest))).toBe('PLAN_REJECTED');
    expect(after({ type: 'plan.withdrawn', run: RUN, plan: digest, by: 'people' }, approval)).toBe('PLAN_WITHDRAWN');
  });

  it('remembers a rejection of an offer that could not be read', () => {
    const runs = remembering([{ type: 'plan.rejected', run: RUN, plan: NO_DIGEST, by: 'agent', code: 'PLAN_INVALID' }]);
    expect(runs.find(RUN)).toMatchObject({ planDigest: NO_DIGEST, offered: null, decision: { approved: false } });
  });

  it('gives up every run that goes on when the log was restored from an old copy', () => {
    const opened = { type: 'shard.opened', year: 2026, predecessor: null, lost: 3 } as const;
    expect(after({ ...opened, reason: 'restore' })).toBe('PLAN_WITHDRAWN');
    expect(after({ ...opened, reason: 'year' })).toBe('allowed');
  });

  it('remembers the same whether it lived through the events or replayed them', async () => {
    const others = approvedEvents(new MemoryDocuments(), plan, { run: OTHER_RUN });
    const any = fc.constantFrom<SiteEvent>(
      ...approved,
      ...others,
      { type: 'plan.rejected', run: RUN, plan: digest, by: 'people', code: 'PLAN_REJECTED' },
      { type: 'plan.withdrawn', run: RUN, plan: digest, by: 'operator' },
      { type: 'plan.suspended', plan: digest, by: 'operator' },
      { type: 'plan.resumed', plan: digest, by: 'operator' },
      { type: 'run.ended', run: RUN, outcome: 'failed' },
      { type: 'training.started', run: OTHER_RUN, round: 1, attempt: 1, model: NO_DIGEST },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(any, { maxLength: 12 }), async (events) => {
        const { ledger, log } = memoryLedger();
        for (const event of events) await ledger.write(event);
        const replayed = memoryLedger(log.entries).ledger;
        expect(replayed.runs.all()).toEqual(ledger.runs.all());
        expect(replayed.runs.isSuspended(digest)).toBe(ledger.runs.isSuspended(digest));
      }),
    );
  });

  it('changes nothing when the log did not take the entry', async () => {
    const { ledger, log } = memoryLedger(approved);
    log.fails = new Fault('DISK_FULL');
    await expect(ledger.write({ type: 'run.ended', run: RUN, outcome: 'finished' })).rejects.toMatchObject({
      code: 'DISK_FULL',
    });
    expect(codeOf(() => ledger.runs.approved(RUN, digest))).toBe('allowed');
  });
});
