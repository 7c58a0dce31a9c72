import { Fault, InvariantError } from '@consilium/stdx';
import { encodeSafetensors } from '@consilium/weights';
import { beforeEach, describe, expect, it } from 'vitest';
import { Guard } from './guard.js';
import { MemoryJournal } from './journal/journal.js';
import { ModelSource } from './models.js';
import { approvedRecords, entriesOf, evaluationOffer, modelOf, planOf, roundOffer, RUN, SITE } from './plan.fixture.js';
import { Runs } from './runs.js';
import { clockAt, memoryLog, MemoryTrainer, MemoryUplink, settle } from './twins.fixture.js';
import { performer } from './work.js';
import type { Perform } from './worklist.js';

const plan = planOf();
const never = new AbortController().signal;

let clock: ReturnType<typeof clockAt>;
let trainer: MemoryTrainer;
let uplink: MemoryUplink;
let log: ReturnType<typeof memoryLog>;
let fatal: unknown[];
let perform: Perform;
beforeEach(() => {
  clock = clockAt();
  trainer = new MemoryTrainer();
  uplink = new MemoryUplink();
  log = memoryLog();
  fatal = [];
  const runs = new Runs(new MemoryJournal(clock), entriesOf(approvedRecords()));
  const models = new ModelSource(async () => encodeSafetensors(modelOf(plan)));
  const hospital = {
    site: SITE,
    datasets: { 'lung-nodule': '/data' },
    runs,
    models,
    trainer,
    guard: new Guard(runs, uplink),
  };
  perform = performer({ hospital, clock, log: log.log, fatal: (error) => fatal.push(error) });
});
const kinds = (): string[] => uplink.left.map(({ kind }) => kind);

describe('an assignment', () => {
  it('that works is answered by its update, with progress on the way', async () => {
    await perform(roundOffer(plan), never);
    expect(kinds()).toEqual(['training-progress', 'update-header']);
    expect(log.lines.at(-1)).toMatchObject({ run: RUN, round: 1, attempt: 1, msg: 'update sent' });
  });

  it('that fails is answered by a code', async () => {
    trainer.fails = new Fault('DATA_CHANGED');
    await perform(roundOffer(plan), never);
    expect(uplink.left).toEqual([{ kind: 'round-refusal', run: RUN, round: 1, attempt: 1, code: 'DATA_CHANGED' }]);
  });

  it('of measuring that fails is answered by an evaluation without metrics', async () => {
    trainer.fails = new Fault('DATA_EMPTY', { split: 'test' });
    await perform(evaluationOffer(plan), never);
    expect(uplink.left).toMatchObject([{ kind: 'evaluation', examples: 0, metrics: null, code: 'DATA_EMPTY' }]);
  });

  it('that was called off is not answered at all', async () => {
    const abort = new AbortController();
    trainer.gate = new Promise(() => {});
    const done = perform(roundOffer(plan, { evaluate: false }), abort.signal);
    await settle();
    abort.abort();
    await done;
    expect(kinds()).toEqual(['training-progress']);
    expect(fatal).toEqual([]);
  });

  it('that outlasts the round’s deadline is given up and said so', async () => {
    trainer.gate = new Promise(() => {});
    const done = perform(roundOffer(plan, { evaluate: false, deadlineMs: 5_000 }), never);
    await settle();
    clock.advance(5_000);
    await done;
    expect(uplink.left.at(-1)).toMatchObject({ kind: 'round-refusal', code: 'TIMEOUT' });
  });

  it.each(['NOT_A_PARTICIPANT', 'ROUND_TRANSITION_REFUSED', 'UPDATE_CONFLICT'] as const)(
    'whose update the coordinator does not want any more (%s) is left at that',
    async (code) => {
      uplink.upload = () => Promise.reject(new Fault(code));
      await perform(roundOffer(plan), never);
      expect(kinds()).toEqual(['training-progress']);
    },
  );

  it('that fails while no session is open is logged, and left for the next session', async () => {
    trainer.fails = new Fault('TRAINING_DIED');
    uplink.session = false;
    await perform(roundOffer(plan, { evaluate: false }), never);
    expect(uplink.left).toEqual([]);
    expect(log.lines.map(({ msg }) => msg)).toEqual(['no update for this round', 'could not tell the coordinator']);
    expect(fatal).toEqual([]);
  });

  it('does not bring the agent down for an INTERNAL of the coordinator’s', async () => {
    uplink.upload = () => Promise.reject(new Fault('INTERNAL'));
    await perform(roundOffer(plan), never);
    expect(fatal).toEqual([]);
  });

  it('brings the agent down for a bug of ours, or a journal that takes nothing more', async () => {
    for (const error of [new InvariantError('a bug'), new Fault('JOURNAL_UNWRITABLE')]) {
      uplink.upload = () => Promise.reject(error);
      await perform(roundOffer(plan), never);
      expect(fatal.at(-1)).toBe(error);
    }
  });
});
