import type { CoordinatorEvent } from '@consilium/ledger';
import type { SignedPlan } from '@consilium/round';
import { siteName, type Digest, type RunId, type SiteName } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { isOf, type CoordinatorEntryOf, type CoordinatorRecord } from '../audit/recorded.js';
import { Findings } from '../findings.js';
import { isRunEntry } from './run-entries.js';
import { RunReplay } from './run-replay.js';

const RUN = 'run-0123456789' as RunId;
const digestOf = (digit: string): Digest => digit.repeat(64) as Digest;
const [PLAN, BASE, FIRST, SECOND] = ['a', '0', '1', '2'].map(digestOf) as [Digest, Digest, Digest, Digest];
const SITES = ['aarhus', 'berlin', 'cluj'].map(siteName);
const [AARHUS, BERLIN, CLUJ] = SITES as [SiteName, SiteName, SiteName];

/** Only what the replay reads of a plan. */
const plan = { sites: SITES, rounds: { count: 2, minSites: 2, maxAttempts: 2 } } as unknown as SignedPlan;

type Event = Partial<CoordinatorEvent> & { type: CoordinatorEvent['type'] };

/** Events of one run as entries of a log, in order; what every entry of a run has is filled in. */
function replay(...events: readonly Event[]): { run: RunReplay; findings: Findings } {
  const findings = new Findings();
  const records = [{ type: 'run.started', plan: PLAN, model: BASE } as Event, ...events].map((event, index) => {
    const place = { ref: `lung/coordinator/2026#${index}`, origin: 'lung/coordinator/2026', index, sequence: index };
    return { v: 1, salt: '', at: 1000 * index, run: RUN, ...event, ...place } as unknown as CoordinatorRecord;
  });
  const run = new RunReplay(records[0] as CoordinatorEntryOf<'run.started'>, plan, findings);
  for (const record of records.slice(1)) if (isRunEntry(record)) run.apply(record);
  return { run, findings };
}

const decided = (site: string, approved = true): Event =>
  ({ type: 'plan.decided', site, approved, plan: PLAN }) as Event;
const approvals = SITES.map((site) => decided(site));
const pass = (round: number, attempt = 1) => ({ round, attempt });
const started = (round: number, model: Digest, attempt = 1): Event =>
  ({ type: 'round.started', ...pass(round, attempt), model }) as Event;
const joined = (round: number, attempt = 1, sites = SITES): Event[] =>
  sites.map((site) => ({ type: 'site.joined', ...pass(round, attempt), site }) as Event);
const offered = (round: number, model: Digest, attempt = 1, participants = SITES): Event =>
  ({ type: 'round.offered', ...pass(round, attempt), plan: PLAN, model, participants }) as Event;
const committed = (round: number, site: string, attempt = 1): Event =>
  ({ type: 'update.committed', ...pass(round, attempt), site, bytes: 8, sha256: digestOf('c') }) as Event;
const published = (round: number, model: Digest, contributors = SITES, attempt = 1): Event =>
  ({ type: 'aggregate.published', ...pass(round, attempt), model, contributors }) as Event;
const dropped = (round: number, site: string, reason: string, attempt = 1): Event =>
  ({ type: 'site.dropped', ...pass(round, attempt), site, reason }) as Event;
const deadline = (round: number, attempt = 1): Event => ({ type: 'round.deadline', ...pass(round, attempt) }) as Event;
const abandoned = (round: number, reason: string, attempt = 1): Event =>
  ({ type: 'round.abandoned', ...pass(round, attempt), reason }) as Event;

const wholeRound = (round: number, base: Digest, model: Digest): Event[] => [
  started(round, base),
  ...joined(round),
  offered(round, base),
  ...SITES.map((site) => committed(round, site)),
  published(round, model),
];
const evaluation = (model: Digest): Event[] => [
  { type: 'evaluation.offered', plan: PLAN, model } as Event,
  ...SITES.map((site) => ({ type: 'evaluation.received', site, model }) as Event),
];
const ended = (outcome: string, model: Digest | null, code: string | null = null): Event =>
  ({ type: 'run.ended', outcome, model, code }) as Event;
const whole = [
  ...approvals,
  ...wholeRound(1, BASE, FIRST),
  ...wholeRound(2, FIRST, SECOND),
  ...evaluation(SECOND),
  ended('finished', SECOND),
];

const codesOf = ({ list }: Findings): string[] => list.map(({ code }) => code);

describe('the replay of an honest run', () => {
  it('finds nothing, and meets the states that the coordinator met', () => {
    const { run, findings } = replay(...whole);
    expect(findings.list).toEqual([]);
    expect(run.run).toMatchObject({ phase: 'finished', modelDigest: SECOND });
    expect(run.rounds.map(({ outcome, contributors }) => [outcome, contributors])).toEqual([
      ['published', SITES],
      ['published', SITES],
    ]);
    expect(run.openRound).toBeUndefined();
  });

  it('knows which round a log leaves open', () => {
    const { run, findings } = replay(
      ...approvals,
      started(1, BASE),
      ...joined(1),
      offered(1, BASE),
      committed(1, AARHUS),
    );
    expect(findings.list).toEqual([]);
    expect(run.openRound).toMatchObject({ round: 1, attempt: 1, outcome: 'open' });
  });

  it('goes on without the sites that a deadline, a refusal or the network takes', () => {
    const { run, findings } = replay(
      ...approvals,
      started(1, BASE),
      ...joined(1),
      offered(1, BASE),
      dropped(1, AARHUS, 'refused'),
      committed(1, BERLIN),
      committed(1, CLUJ),
      published(1, FIRST, [BERLIN, CLUJ]),
      started(2, FIRST),
      ...joined(2, 1, [AARHUS, BERLIN]),
      deadline(2),
      offered(2, FIRST, 1, [AARHUS, BERLIN]),
      committed(2, AARHUS),
      committed(2, BERLIN),
      published(2, SECOND, [AARHUS, BERLIN]),
      { type: 'evaluation.offered', plan: PLAN, model: SECOND } as Event,
      ended('finished', SECOND),
    );
    expect(findings.list).toEqual([]);
    expect(run.rounds[0]!.dropped).toEqual({ aarhus: 'refused' });
  });

  it('lets a deadline drop the silent, told by name or not', () => {
    const begin = [
      ...approvals,
      started(1, BASE),
      ...joined(1),
      offered(1, BASE),
      committed(1, AARHUS),
      committed(1, BERLIN),
    ];
    const end = published(1, FIRST, [AARHUS, BERLIN]);
    expect(replay(...begin, deadline(1), end).findings.list).toEqual([]);
    expect(replay(...begin, deadline(1), dropped(1, CLUJ, 'deadline-passed'), end).findings.list).toEqual([]);
    expect(codesOf(replay(...begin, deadline(1), dropped(1, CLUJ, 'refused'), end).findings)).toEqual([
      'TRANSITION_REFUSED',
    ]);
  });

  it('repeats an abandoned round as its next attempt', () => {
    const { run, findings } = replay(
      ...approvals,
      started(1, BASE),
      ...joined(1),
      offered(1, BASE),
      committed(1, AARHUS),
      deadline(1),
      abandoned(1, 'too-few-updates'),
      started(1, BASE, 2),
      ...joined(1, 2),
      offered(1, BASE, 2),
      abandoned(1, 'aggregation-failed', 2),
    );
    // An aggregation fails only when one has begun: three updates are missing here.
    expect(codesOf(findings)).toEqual(['TRANSITION_REFUSED']);
    expect(run.rounds.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'abandoned'],
      [2, 'open'],
    ]);
  });

  it('stops and resumes a round under the next attempt, at no cost of failures', () => {
    const steered = (action: string): Event => ({ type: 'run.steered', action }) as Event;
    const { run, findings } = replay(
      ...approvals,
      started(1, BASE),
      ...joined(1),
      offered(1, BASE),
      steered('pause'),
      abandoned(1, 'stopped'),
      steered('resume'),
      started(1, BASE, 2),
      ...joined(1, 2),
      offered(1, BASE, 2),
      steered('cancel'),
      abandoned(1, 'stopped', 2),
      ended('cancelled', null),
    );
    expect(findings.list).toEqual([]);
    expect(run.run.phase).toBe('cancelled');
  });

  it('goes on without a site that withdraws, in and out of a round', () => {
    const withdrawn = { type: 'plan.withdrawn', plan: PLAN, site: CLUJ } as Event;
    const { run, findings } = replay(
      ...approvals,
      started(1, BASE),
      ...joined(1),
      offered(1, BASE),
      committed(1, CLUJ),
      withdrawn,
      committed(1, AARHUS),
      committed(1, BERLIN),
      published(1, FIRST, [AARHUS, BERLIN]),
      started(2, FIRST),
      ...joined(2, 1, [AARHUS, BERLIN]),
      offered(2, FIRST, 1, [AARHUS, BERLIN]),
    );
    expect(findings.list).toEqual([]);
    expect(run.rounds[0]!.dropped).toEqual({ cluj: 'withdrawn' });
  });

  it('ends when too few approve', () => {
    const { run, findings } = replay(
      decided(AARHUS),
      decided(BERLIN, false),
      decided(CLUJ, false),
      ended('failed', null, 'PLAN_REJECTED'),
    );
    expect(findings.list).toEqual([]);
    expect(run.run).toEqual({ phase: 'failed', code: 'PLAN_REJECTED' });
  });
});

describe('the replay of a run that was told wrongly', () => {
  /** The whole run with one entry changed, taken out or put in. */
  const changed = (at: (event: Event) => boolean, change: (event: Event) => Event[]): Event[] => {
    const index = whole.findIndex(at);
    return [...whole.slice(0, index), ...change(whole[index]!), ...whole.slice(index + 1)];
  };
  const isType = (type: string) => (event: Event) => event.type === type;

  it.each<[string, Event[], string]>([
    ['a round before the approvals', [started(1, BASE)], 'TRANSITION_REFUSED'],
    ['a decision of a site that is not asked', [decided('oslo')], 'TRANSITION_REFUSED'],
    ['a second decision', [decided(AARHUS), decided(AARHUS, false)], 'TRANSITION_REFUSED'],
    ['a round that skips one', [...approvals, started(2, BASE)], 'TRANSITION_REFUSED'],
    ['a round from another model', [...approvals, started(1, SECOND)], 'MODEL_CHAIN_BROKEN'],
    ['an update before the offer', [...approvals, started(1, BASE), committed(1, AARHUS)], 'TRANSITION_REFUSED'],
    [
      'a publication without its updates',
      [...approvals, started(1, BASE), ...joined(1), offered(1, BASE), published(1, FIRST)],
      'TRANSITION_REFUSED',
    ],
    ['an event of another attempt', [...approvals, started(1, BASE), ...joined(1, 2)], 'TRANSITION_REFUSED'],
    [
      'an abandonment without a reason',
      [...approvals, started(1, BASE), ...joined(1), abandoned(1, 'too-few-updates')],
      'TRANSITION_REFUSED',
    ],
    ['an evaluation before its time', [...approvals, ...evaluation(BASE)], 'TRANSITION_REFUSED'],
    [
      'the start of the same run again',
      [{ type: 'run.started', plan: PLAN, model: BASE } as Event],
      'TRANSITION_REFUSED',
    ],
  ])('finds %s', (_, events, code) => {
    expect(codesOf(replay(...events).findings)).toContain(code);
  });

  it.each<[string, Event[], string]>([
    ['an update counted twice', changed(isType('update.committed'), (event) => [event, event]), 'TRANSITION_REFUSED'],
    [
      'a contributor too few',
      changed(isType('aggregate.published'), (event) => [{ ...event, contributors: [AARHUS, BERLIN] } as Event]),
      'PARTICIPANTS_DIFFER',
    ],
    [
      'a participant who never joined',
      changed(isType('round.offered'), (event) => [{ ...event, participants: [...SITES, 'oslo'] } as Event]),
      'PARTICIPANTS_DIFFER',
    ],
    [
      'another plan in the offer',
      changed(isType('round.offered'), (event) => [{ ...event, plan: digestOf('b') } as Event]),
      'PLAN_INVALID',
    ],
    ['an offer made twice', changed(isType('round.offered'), (event) => [event, event]), 'TRANSITION_REFUSED'],
    ['an update left out', changed(isType('update.committed'), () => []), 'TRANSITION_REFUSED'],
    [
      'an end with another model',
      changed(isType('run.ended'), (event) => [{ ...event, model: FIRST } as Event]),
      'OUTCOME_DIFFERS',
    ],
    [
      'an end with another outcome',
      changed(isType('run.ended'), () => [ended('failed', null, 'RUN_FAILED')]),
      'OUTCOME_DIFFERS',
    ],
    [
      'an evaluation of another model',
      changed(isType('evaluation.received'), (event) => [{ ...event, model: BASE } as Event]),
      'MODEL_CHAIN_BROKEN',
    ],
    ['anything after the end', [...whole, started(3, SECOND)], 'TRANSITION_REFUSED'],
  ])('finds %s', (_, events, code) => {
    expect(codesOf(replay(...events).findings)).toContain(code);
  });

  it('names the entry, what was due and what came', () => {
    const { findings } = replay(...approvals, started(2, BASE));
    expect(findings.list).toEqual([
      {
        code: 'TRANSITION_REFUSED',
        entry: 'lung/coordinator/2026#4',
        expected: 'round 1, attempt 1',
        found: 'round 2, attempt 1',
      },
    ]);
  });
});

describe('the entries of a run', () => {
  it('are those that name it and move it', () => {
    const entry = { type: 'audit.read' } as CoordinatorRecord;
    expect(isRunEntry(entry)).toBe(false);
    expect(isOf(entry, 'audit.read')).toBe(true);
  });
});
