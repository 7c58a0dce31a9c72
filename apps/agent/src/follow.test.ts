import { Fault, InvariantError, type RunId } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Consent } from './consent.js';
import { follower } from './follow.js';
import { MemoryJournal } from './journal/journal.js';
import type { Assignment, Instruction } from './offers.js';
import { approvedRecords, entriesOf, OTHER_RUN, planOffer, roundOffer, RUN } from './plan.fixture.js';
import { Runs } from './runs.js';
import { clockAt, memoryLog, settle } from './twins.fixture.js';
import { Worklist } from './worklist.js';

let journal: MemoryJournal;
let log: ReturnType<typeof memoryLog>;
let worked: Assignment[];
let stopped: Assignment[];
let ended: RunId[];
let failures: unknown[];
let offered: () => Promise<void>;
let follow: (instruction: Instruction) => Promise<void>;
beforeEach(() => {
  journal = new MemoryJournal(clockAt());
  log = memoryLog();
  [worked, stopped, ended, failures] = [[], [], [], []];
  offered = async () => {};
  const worklist = new Worklist(async (assignment, signal) => {
    worked.push(assignment);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    stopped.push(assignment);
  });
  follow = follower({
    runs: new Runs(journal, entriesOf(approvedRecords())),
    consent: { offered: () => offered(), ended: (run) => ended.push(run) } as Pick<
      Consent,
      'offered' | 'ended'
    > as Consent,
    worklist,
    log: log.log,
    channel: { bytesUp: 10, bytesDown: 20 },
    fail: (error) => failures.push(error),
  });
});
const closed = (round: number, attempt: number): Instruction => ({
  kind: 'round-closed',
  run: RUN,
  round,
  attempt,
  outcome: 'abandoned',
});

describe('an instruction', () => {
  it('to look at a plan does not keep the next from being heard', async () => {
    offered = () => new Promise(() => {});
    await follow(planOffer());
    await follow(roundOffer());
    expect(worked).toHaveLength(1);
  });

  it('to look at a plan that fails leaves it undecided, and the agent running', async () => {
    offered = () => Promise.reject(new Fault('DISK_FULL'));
    await follow(planOffer());
    await settle();
    expect(failures).toEqual([]);
    expect(log.lines[0]).toMatchObject({ err: { code: 'DISK_FULL' } });
    offered = () => Promise.reject(new InvariantError('a bug'));
    await follow(planOffer());
    await settle();
    expect(failures).toHaveLength(1);
  });

  it('that a round is closed stops it and what came before it, and not what came after', async () => {
    await follow(roundOffer(undefined, { round: 2, attempt: 2 }));
    await follow(closed(2, 1));
    await follow(closed(1, 3));
    await settle();
    expect(stopped).toEqual([]);
    await follow(closed(2, 2));
    await settle();
    expect(stopped).toHaveLength(1);
    expect(journal.entries.map(({ type }) => type)).toEqual(['round.closed', 'round.closed', 'round.closed']);
  });

  it('that a run ended stops its work, forgets the question, and is remembered once', async () => {
    await follow(roundOffer());
    const end: Instruction = { kind: 'run-ended', run: RUN, outcome: 'cancelled' };
    await follow(end);
    await follow(end);
    await settle();
    expect([stopped.length, ended]).toEqual([1, [RUN, RUN]]);
    expect(journal.entries.map(({ type }) => type)).toEqual(['run.ended']);
    expect(log.lines.at(-1)).toMatchObject({ run: RUN, outcome: 'cancelled', bytesUp: 10, bytesDown: 20 });
  });

  it('about a run that this site never heard of leaves no trace in the journal', async () => {
    await follow({ kind: 'round-closed', run: OTHER_RUN, round: 1, attempt: 1, outcome: 'published' });
    await follow({ kind: 'run-ended', run: OTHER_RUN, outcome: 'finished' });
    expect(journal.entries).toEqual([]);
  });

  it('too many to remember is logged and left to be offered again', async () => {
    for (let i = 0; i < 18; i++)
      await follow(roundOffer(undefined, { run: `run-00000001${String(i).padStart(2, '0')}` as RunId }));
    expect(log.lines.map(({ code }) => code)).toEqual(['OVERLOADED']);
  });
});
