import { Fault, InvariantError } from '@consilium/stdx';
import { encodeSafetensors } from '@consilium/weights';
import { beforeEach, describe, expect, it } from 'vitest';
import { StateFault } from './fatal.js';
import { watching } from './hub-log.fixture.js';
import { ModelSource } from './models.js';
import type { Assignment, RoundOffer } from './offers.js';
import type { Outbox } from './outbox.js';
import * as plans from './plan.fixture.js';
import { KEY, modelOf, planOf, RUN, SITE } from './plan.fixture.js';
import { siteWith } from './site.fixture.js';
import type { Contribution } from './statement.js';
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
let shown: number;
let site: ReturnType<typeof siteWith>;
beforeEach(() => {
  clock = clockAt();
  trainer = new MemoryTrainer();
  uplink = new MemoryUplink();
  log = memoryLog();
  fatal = [];
  shown = 0;
  site = siteWith({ uplink, clock });
  const { ledger, permits, guard } = site;
  const models = new ModelSource(async () => encodeSafetensors(modelOf(plan)));
  const hospital = {
    site: SITE,
    datasets: { 'lung-nodule': '/data' },
    permits,
    ledger,
    models,
    trainer,
    outbox: memoryOutbox(),
    key: KEY,
    guard,
  };
  perform = performer({
    hospital,
    clock,
    log: log.log,
    published: () => void shown++,
    fatal: (error) => fatal.push(error),
  });
});
function memoryOutbox(): Pick<Outbox, 'keep' | 'recall'> {
  const kept = new Map<string, Contribution>();
  return {
    keep: async (contribution: Contribution) => void kept.set(contribution.sha256, contribution),
    recall: async (sha256: string) => kept.get(sha256)!,
  };
}
/** Offers that this site has witnessed. */
const witnessed = <Offer extends Assignment>(offer: Offer): Offer => {
  site.ledger.watched.follow(watching(offer));
  return offer;
};
const roundOffer = (plan = planOf(), changes: Partial<RoundOffer> = {}) => witnessed(plans.roundOffer(plan, changes));
const evaluationOffer = (plan = planOf()) => witnessed(plans.evaluationOffer(plan));
const kinds = (): string[] => uplink.left.map(({ kind }) => kind);

describe('an assignment', () => {
  it('that works is answered by its update, with progress on the way', async () => {
    await perform(roundOffer(plan), never);
    expect(kinds()).toEqual(['training-progress', 'update-header']);
    expect(log.lines.at(-1)).toMatchObject({ run: RUN, round: 1, attempt: 1, msg: 'update sent' });
    expect(shown).toBe(1);
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

  it.each(['INTERNAL', 'LEDGER_UNWRITABLE', 'LEDGER_ROLLED_BACK'] as const)(
    'does not bring the agent down for the coordinator’s own trouble: %s',
    async (code) => {
      uplink.upload = () => Promise.reject(new Fault(code));
      await perform(roundOffer(plan), never);
      expect(fatal).toEqual([]);
      expect(shown).toBe(0);
    },
  );

  it('that this site has not witnessed is refused with that code', async () => {
    await perform(plans.roundOffer(plan), never);
    expect(uplink.left).toMatchObject([{ kind: 'round-refusal', code: 'LEDGER_NOT_WITNESSED' }]);
  });

  it('brings the agent down for a bug of ours, or a log that takes nothing more', async () => {
    for (const error of [new InvariantError('a bug'), new StateFault('LEDGER_UNWRITABLE')]) {
      uplink.upload = () => Promise.reject(error);
      await perform(roundOffer(plan), never);
      expect(fatal.at(-1)).toBe(error);
    }
  });
});
