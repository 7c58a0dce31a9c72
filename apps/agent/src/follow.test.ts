import { Fault, InvariantError, type Digest, type RunId } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { follower } from './follow.js';
import { approvedEvents, MemoryDocuments, memoryLedger } from './ledger.fixture.js';
import type { Assignment, Instruction, WitnessAnswer } from './offers.js';
import type { SessionMessage } from './outgoing.js';
import { NO_DIGEST, OTHER_RUN, planOffer, roundOffer, RUN } from './plan.fixture.js';
import { memoryLog, settle } from './twins.fixture.js';
import { Worklist } from './worklist.js';

let memory: ReturnType<typeof memoryLedger>;
let log: ReturnType<typeof memoryLog>;
let worked: Assignment[];
let stopped: Assignment[];
let ended: RunId[];
let failures: unknown[];
let released: Digest[];
let sent: SessionMessage[];
let answered: WitnessAnswer[];
let events: string[];
let offered: () => Promise<void>;
let send: (message: SessionMessage) => Promise<void>;
let follow: (instruction: Instruction) => Promise<void>;
beforeEach(() => {
  const documents = new MemoryDocuments();
  memory = memoryLedger(approvedEvents(documents), documents);
  log = memoryLog();
  [worked, stopped, ended, failures, released, sent, answered, events] = [[], [], [], [], [], [], [], []];
  offered = async () => {};
  send = async (message) => void sent.push(message);
  const worklist = new Worklist(async (assignment, signal) => {
    worked.push(assignment);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    stopped.push(assignment);
  });
  follow = follower({
    ledger: memory.ledger,
    consent: { offered: () => offered(), ended: (run) => ended.push(run) },
    worklist,
    witness: {
      consider: async ({ oldSize }) => ({
        kind: 'witness-answer',
        size: oldSize,
        knownSize: 7,
        cosignature: null,
        code: 'LEDGER_FORKED',
      }),
    },
    ownLog: {
      answered: async (answer) => void answered.push(answer),
      publish: async () => void events.push('published'),
    },
    outbox: { release: async (digests) => void released.push(...digests) },
    tally: { settle: async () => void events.push('settled') },
    guard: { send: (message) => send(message) },
    log: log.log,
    channel: { bytesUp: 10, bytesDown: 20 },
    fail: (error) => failures.push(error),
  });
});
const closed = (round: number, attempt: number, outcome: 'published' | 'abandoned' = 'abandoned'): Instruction => ({
  kind: 'round-closed',
  run: RUN,
  round,
  attempt,
  outcome,
});
const signed = (round: number, sha256 = NO_DIGEST): Promise<void> =>
  memory.ledger.write({
    type: 'update.signed',
    run: RUN,
    round,
    attempt: 1,
    model: NO_DIGEST,
    sha256,
    bytes: 1,
    statement: NO_DIGEST,
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

  it('to look at a plan is left aside once the coordinator’s log was refused', async () => {
    await memory.ledger.write({ type: 'witness.refused', code: 'LEDGER_FORKED', size: 3 });
    offered = () => Promise.reject(new InvariantError('it was looked at'));
    await follow(planOffer());
    await settle();
    expect(failures).toEqual([]);
    expect(log.lines[0]).toMatchObject({ run: RUN, code: 'LEDGER_FORKED' });
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
    expect(memory.types()).toEqual(['round.closed', 'round.closed', 'round.closed']);
  });

  it('that a round was published lets its update go, and that it was abandoned keeps it', async () => {
    await signed(1);
    await follow(closed(1, 1, 'abandoned'));
    expect(released).toEqual([]);
    await follow(closed(1, 2, 'published'));
    expect(released).toEqual([NO_DIGEST]);
  });

  it('that a run ended stops its work, forgets the question, lets its updates go, and is remembered once', async () => {
    await signed(1);
    await follow(roundOffer());
    const end: Instruction = { kind: 'run-ended', run: RUN, outcome: 'cancelled' };
    await follow(end);
    await follow(end);
    await settle();
    expect([stopped.length, ended]).toEqual([1, [RUN, RUN]]);
    expect(memory.types()).toEqual(['update.signed', 'run.ended']);
    expect(released).toEqual([NO_DIGEST]);
    expect(events).toEqual(['settled', 'published']);
    expect(log.lines.at(-1)).toMatchObject({ run: RUN, outcome: 'cancelled', bytesUp: 10, bytesDown: 20 });
  });

  it('about a run that this site never heard of leaves no trace in the log', async () => {
    await follow({ kind: 'round-closed', run: OTHER_RUN, round: 1, attempt: 1, outcome: 'published' });
    await follow({ kind: 'run-ended', run: OTHER_RUN, outcome: 'finished' });
    expect(memory.types()).toEqual([]);
  });

  it('to witness is answered before the next is heard, and the answer waits for no session', async () => {
    const request: Instruction = { kind: 'witness-request', note: new Uint8Array(), oldSize: 5, consistency: [] };
    await follow(request);
    expect(sent).toMatchObject([{ kind: 'witness-answer', size: 5, code: 'LEDGER_FORKED' }]);
    send = () => Promise.reject(new Fault('UNAVAILABLE'));
    await follow(request);
    send = () => Promise.reject(new InvariantError('a bug'));
    await expect(follow(request)).rejects.toBeInstanceOf(InvariantError);
  });

  it('about this site’s own checkpoint is passed on', async () => {
    const answer: WitnessAnswer = { kind: 'witness-answer', size: 3, cosignature: null, knownSize: 2 };
    await follow(answer);
    expect(answered).toEqual([answer]);
  });

  it('too many to remember is logged and left to be offered again', async () => {
    for (let i = 0; i < 18; i++)
      await follow(roundOffer(undefined, { run: `run-00000001${String(i).padStart(2, '0')}` as RunId }));
    expect(log.lines.map(({ code }) => code)).toEqual(['OVERLOADED']);
  });
});
