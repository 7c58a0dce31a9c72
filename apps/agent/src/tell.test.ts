import { planDigest } from '@consilium/round';
import { Fault, InvariantError, utf8 } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryDocuments } from './ledger.fixture.js';
import type { SessionMessage } from './outgoing.js';
import { planOf, RUN } from './plan.fixture.js';
import { teller } from './tell.js';
import { memoryLog } from './twins.fixture.js';

const digest = planDigest(planOf());

let documents: MemoryDocuments;
let sent: SessionMessage[];
let cancelled: string[];
let published: number;
let fails: Error | undefined;
let log: ReturnType<typeof memoryLog>;
let tell: ReturnType<typeof teller>;
beforeEach(() => {
  documents = new MemoryDocuments();
  [sent, cancelled, published, fails] = [[], [], 0, undefined];
  log = memoryLog();
  tell = teller({
    guard: {
      send: async (message) => {
        if (fails) throw fails;
        sent.push(message);
      },
    },
    ledger: { documents },
    worklist: { cancel: (run) => void cancelled.push(run) },
    ownLog: { publish: async () => void published++ },
    log: log.log,
  });
});

describe('what the coordinator is told of a decision', () => {
  it('is the approval itself, as the log names it', async () => {
    const approval = utf8('signed');
    const envelope = await documents.put(approval);
    await tell.answer(RUN, digest, { approved: true, by: 'people', envelope });
    expect(sent).toEqual([
      {
        kind: 'plan-decision',
        run: RUN,
        planDigest: digest,
        approved: true,
        code: null,
        envelope: approval,
      },
    ]);
    expect(log.lines[0]).toMatchObject({ run: RUN, approved: true, by: 'people', code: null });
  });

  it('is a code where it is no, and nothing of the reasons', async () => {
    await tell.answer(RUN, digest, { approved: false, by: 'operator', code: 'PLAN_REJECTED' });
    expect(sent).toMatchObject([{ approved: false, code: 'PLAN_REJECTED', envelope: null }]);
  });

  it('is a withdrawal, after the work has stopped, and the log that says so', async () => {
    await tell.withdrawn(RUN, digest);
    expect(cancelled).toEqual([RUN]);
    expect(sent).toEqual([{ kind: 'plan-withdrawal', run: RUN, planDigest: digest }]);
    expect(published).toBe(1);
  });

  it('waits for the next session where there is none, and never hides a bug', async () => {
    fails = new Fault('UNAVAILABLE');
    await tell.answer(RUN, digest, { approved: false, by: 'agent', code: 'DATA_EMPTY' });
    await tell.withdrawn(RUN, digest);
    expect(log.lines.filter(({ msg }) => msg === 'the decision waits for the next session')).toHaveLength(2);
    expect(cancelled).toEqual([RUN]);
    fails = new InvariantError('a bug');
    await expect(tell.withdrawn(RUN, digest)).rejects.toBe(fails);
  });
});
