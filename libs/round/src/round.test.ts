import type { Digest, SiteName } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isRoundOver,
  startRound,
  step,
  type Round,
  type RoundEvent,
  type RoundStep,
  type RoundTerms,
} from './index.js';

// `constructor` is a lawful site name that every plain object seems to hold already.
const SITES = ['aarhus', 'berlin', 'constructor', 'delft'] as SiteName[];
const [aarhus, berlin, constructor, delft] = SITES as [SiteName, SiteName, SiteName, SiteName];
const stranger = 'zagreb' as SiteName;
const modelDigest = 'a'.repeat(64) as Digest;
const terms: RoundTerms = { sites: SITES, minSites: 2 };

const joined = (site: SiteName): RoundEvent => ({ type: 'site-joined', site });
const committed = (site: SiteName): RoundEvent => ({ type: 'update-committed', site });
const dropped = (site: SiteName): RoundEvent => ({ type: 'site-dropped', site, reason: 'disconnected' });
const withdrew = (site: SiteName): RoundEvent => ({ type: 'site-withdrew', site });
const deadline: RoundEvent = { type: 'deadline-passed' };
const published: RoundEvent = { type: 'model-published', modelDigest };

/** Every round that a history passes through, refused events skipped. */
const replay = (events: readonly RoundEvent[], from: Round = startRound(), given = terms): Round[] => {
  const rounds = [from];
  for (const event of events) {
    const next = step(rounds.at(-1)!, event, given);
    if ('round' in next) rounds.push(next.round);
  }
  return rounds;
};
const last = (events: readonly RoundEvent[], given = terms): Round => replay(events, startRound(), given).at(-1)!;
const reporting = (...events: RoundEvent[]): Round => last([...SITES.map(joined), ...events]);
const refusal = (next: RoundStep): string => ('refused' in next ? next.refused : 'accepted');

const site = fc.constantFrom(...SITES, stranger);
const reason = fc.constantFrom('refused', 'disconnected', 'update-refused', 'deadline-passed');
const event = fc.oneof(
  { weight: 6, arbitrary: site.map(joined) },
  { weight: 6, arbitrary: site.map(committed) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('site-dropped'), site, reason }) as fc.Arbitrary<RoundEvent> },
  { weight: 1, arbitrary: site.map(withdrew) },
  { weight: 2, arbitrary: fc.constantFrom<RoundEvent>(deadline, published) },
  { weight: 1, arbitrary: fc.constantFrom<RoundEvent>({ type: 'aggregation-failed' }, { type: 'stopped' }) },
);
const history = fc.array(event, { maxLength: 40, size: 'max' });
const everyHistory = (check: (rounds: Round[]) => void): void =>
  fc.assert(
    fc.property(history, (events) => {
      check(replay(events));
    }),
    { numRuns: 2000 },
  );

describe('a round, whatever order events come in', () => {
  it('reaches every phase and every reason to be abandoned (the histories are not vacuous)', () => {
    const ends = fc
      .sample(history, { numRuns: 20_000, seed: 1 })
      .flatMap((events) => replay(events).map((round) => (round.phase === 'abandoned' ? round.reason : round.phase)));
    expect([...new Set(ends)].sort()).toEqual(
      ['selection', 'reporting', 'aggregation', 'published']
        .concat(['too-few-sites', 'too-few-updates', 'aggregation-failed', 'stopped'])
        .sort(),
    );
  });

  it('publishes no model of fewer updates than the quorum', () => {
    everyHistory((rounds) => {
      const end = rounds.at(-1)!;
      if (end.phase === 'published') expect(end.contributors.length).toBeGreaterThanOrEqual(terms.minSites);
    });
  });

  it('counts each contributor once, and only participants', () => {
    everyHistory((rounds) => {
      const before = rounds.find((round) => round.phase === 'reporting');
      for (const round of rounds) {
        if (round.phase !== 'aggregation' && round.phase !== 'published') continue;
        expect(new Set(round.contributors).size).toBe(round.contributors.length);
        for (const contributor of round.contributors) expect(before?.participants).toContain(contributor);
      }
    });
  });

  it('accounts for each participant: it reported or was dropped, never both', () => {
    everyHistory((rounds) => {
      const before = rounds.find((round) => round.phase === 'reporting');
      const after = rounds.find((round) => round.phase === 'aggregation');
      if (!before || !after) return;
      expect([...after.contributors, ...Object.keys(after.dropped)].sort()).toEqual(before.participants);
    });
  });

  it('lets no site in that the terms do not name', () => {
    everyHistory((rounds) => expect(JSON.stringify(rounds)).not.toContain(stranger));
  });

  it('stays closed once it is published or abandoned', () => {
    everyHistory((rounds) => {
      const closedAt = rounds.findIndex(isRoundOver);
      if (closedAt >= 0) expect(closedAt).toBe(rounds.length - 1);
    });
  });

  it('accepts nothing in a terminal phase', () => {
    const abandoned: Round = { phase: 'abandoned', reason: 'stopped' };
    const done: Round = { phase: 'published', contributors: [aarhus, berlin], dropped: {}, modelDigest };
    fc.assert(
      fc.property(event, (any) => {
        expect(step(abandoned, any, terms)).toEqual({ refused: 'wrong-phase' });
        expect(step(done, any, terms)).toEqual({ refused: 'wrong-phase' });
      }),
    );
  });

  it('keeps its lists sorted, so that equal histories give equal JSON', () => {
    everyHistory((rounds) => {
      for (const round of rounds) {
        for (const value of Object.values(round)) {
          const names = Array.isArray(value) ? value : typeof value === 'object' ? Object.keys(value) : [];
          expect(names).toEqual([...names].sort());
        }
      }
    });
  });

  it('never changes the round that it was given', () => {
    fc.assert(
      fc.property(history, event, (events, next) => {
        const round = last(events);
        const before = JSON.stringify(round);
        step(round, next, terms);
        expect(JSON.stringify(round)).toBe(before);
      }),
    );
  });

  it('has the same contributors in whatever order the reports came', () => {
    const shuffledSites = fc.shuffledSubarray(SITES, { minLength: SITES.length });
    fc.assert(
      fc.property(shuffledSites, shuffledSites, (arrivals, others) => {
        expect(reporting(...arrivals.map(committed))).toEqual(reporting(...others.map(committed)));
      }),
    );
  });

  it('answers the same for a round that was written to disk and read again', () => {
    fc.assert(
      fc.property(history, event, (events, next) => {
        const round = last(events);
        expect(step(JSON.parse(JSON.stringify(round)) as Round, next, terms)).toEqual(step(round, next, terms));
      }),
    );
  });
});

describe('selection', () => {
  it('starts with nobody', () => {
    expect(startRound()).toEqual({ phase: 'selection', joined: [] });
  });

  it('ends as soon as every site has joined, and offers the round', () => {
    const before = last([aarhus, berlin, delft].map(joined));
    expect(step(before, joined(constructor), terms)).toEqual({
      round: { phase: 'reporting', participants: SITES, reported: [], dropped: {} },
      effects: ['offer-round'],
    });
  });

  it('goes on at the deadline with those who joined, if they are enough', () => {
    expect(last([joined(delft), joined(aarhus), deadline])).toMatchObject({
      phase: 'reporting',
      participants: [aarhus, delft],
    });
  });

  it('gives the round up at the deadline when too few have joined', () => {
    expect(step(last([joined(aarhus)]), deadline, terms)).toEqual({
      round: { phase: 'abandoned', reason: 'too-few-sites' },
      effects: ['discard-updates'],
    });
  });

  it('forgets a site that leaves, and takes it back', () => {
    const left = last([joined(aarhus), dropped(aarhus)]);
    expect(left).toEqual({ phase: 'selection', joined: [] });
    expect(last([joined(aarhus), dropped(aarhus), joined(aarhus)])).toEqual({ phase: 'selection', joined: [aarhus] });
  });

  it('refuses a stranger, a second joining and an update before the offer', () => {
    const round = last([joined(aarhus)]);
    expect(refusal(step(round, joined(stranger), terms))).toBe('not-a-participant');
    expect(refusal(step(round, joined(aarhus), terms))).toBe('already-joined');
    expect(refusal(step(round, dropped(berlin), terms))).toBe('not-a-participant');
    expect(refusal(step(round, committed(aarhus), terms))).toBe('wrong-phase');
    expect(refusal(step(round, published, terms))).toBe('wrong-phase');
  });

  it('of a federation of one begins at once', () => {
    expect(last([joined(aarhus)], { sites: [aarhus], minSites: 1 }).phase).toBe('reporting');
  });
});

describe('reporting', () => {
  it('goes to aggregation when the last participant has reported', () => {
    const before = reporting(...[delft, berlin, constructor].map(committed));
    expect(step(before, committed(aarhus), terms)).toEqual({
      round: { phase: 'aggregation', contributors: SITES, dropped: {} },
      effects: ['start-aggregation'],
    });
  });

  it('does not wait for a site that was dropped', () => {
    const end = reporting(committed(aarhus), committed(berlin), dropped(delft), dropped(constructor));
    expect(end).toEqual({
      phase: 'aggregation',
      contributors: [aarhus, berlin],
      dropped: { constructor: 'disconnected', delft: 'disconnected' },
    });
  });

  it('drops at the deadline whoever has not reported', () => {
    expect(reporting(committed(berlin), committed(delft), deadline)).toEqual({
      phase: 'aggregation',
      contributors: [berlin, delft],
      dropped: { aarhus: 'deadline-passed', constructor: 'deadline-passed' },
    });
  });

  it('keeps the reason of a site that was dropped before the deadline', () => {
    const end = reporting(dropped(delft), committed(aarhus), committed(berlin), deadline);
    expect(end).toMatchObject({ dropped: { constructor: 'deadline-passed', delft: 'disconnected' } });
  });

  it('is given up when too few have reported', () => {
    const before = reporting(committed(aarhus));
    expect(step(before, deadline, terms)).toEqual({
      round: { phase: 'abandoned', reason: 'too-few-updates' },
      effects: ['discard-updates'],
    });
    expect(reporting(committed(aarhus), dropped(berlin), dropped(delft), dropped(constructor))).toEqual({
      phase: 'abandoned',
      reason: 'too-few-updates',
    });
  });

  it('refuses a second report, also from a site that is called like a property of every object', () => {
    for (const who of [aarhus, constructor]) {
      const round = reporting(committed(who));
      expect(refusal(step(round, committed(who), terms))).toBe('already-reported');
      expect(refusal(step(round, dropped(who), terms))).toBe('already-reported');
    }
  });

  it('refuses the late report of a site that was dropped', () => {
    const round = reporting(dropped(constructor));
    expect(refusal(step(round, committed(constructor), terms))).toBe('already-dropped');
    expect(refusal(step(round, dropped(constructor), terms))).toBe('already-dropped');
  });

  it('refuses a site that did not join, although the terms name it', () => {
    const round = last([joined(aarhus), joined(berlin), deadline]);
    expect(refusal(step(round, committed(delft), terms))).toBe('not-a-participant');
    expect(refusal(step(round, joined(delft), terms))).toBe('wrong-phase');
  });
});

describe('a withdrawal', () => {
  const three = { ...terms, sites: [aarhus, berlin, delft] };

  it('from a gathering round leaves it to the others, and begins it if only this site was waited for', () => {
    const waiting = last([aarhus, berlin, constructor].map(joined), terms);
    expect(step(waiting, withdrew(constructor), three)).toMatchObject({
      round: { phase: 'selection', joined: [aarhus, berlin] },
    });
    const complete = last([aarhus, berlin, delft].map(joined), terms);
    expect(step(complete, withdrew(constructor), three)).toMatchObject({
      round: { phase: 'reporting', participants: [aarhus, berlin, delft] },
      effects: ['offer-round'],
    });
  });

  it('takes back an update that was committed, but not one that is being averaged', () => {
    const round = reporting(committed(aarhus), committed(berlin), withdrew(aarhus));
    expect(round).toMatchObject({ reported: [berlin], dropped: { aarhus: 'withdrawn' } });
    const averaging = reporting(...SITES.map(committed));
    expect(refusal(step(averaging, withdrew(aarhus), terms))).toBe('wrong-phase');
  });

  it('may leave a round without enough updates, or let it go on', () => {
    const three = [committed(aarhus), committed(berlin), committed(delft)];
    expect(reporting(...three, withdrew(constructor))).toMatchObject({ phase: 'aggregation' });
    expect(reporting(committed(aarhus), dropped(delft), dropped(berlin), withdrew(constructor))).toEqual({
      phase: 'abandoned',
      reason: 'too-few-updates',
    });
  });

  it('is of a participant, once', () => {
    const round = last([joined(aarhus), joined(berlin), deadline]);
    expect(refusal(step(round, withdrew(delft), terms))).toBe('not-a-participant');
    expect(refusal(step(reporting(withdrew(delft)), withdrew(delft), terms))).toBe('already-dropped');
  });
});

describe('aggregation', () => {
  const round = reporting(committed(aarhus), committed(berlin), deadline);

  it('ends with the published model', () => {
    expect(step(round, published, terms)).toEqual({
      round: { ...round, phase: 'published', modelDigest },
      effects: ['announce-published'],
    });
  });

  it('is given up when it fails', () => {
    expect(step(round, { type: 'aggregation-failed' }, terms)).toEqual({
      round: { phase: 'abandoned', reason: 'aggregation-failed' },
      effects: ['discard-updates'],
    });
  });

  it('takes no further update', () => {
    expect(refusal(step(round, committed(delft), terms))).toBe('wrong-phase');
    expect(refusal(step(round, deadline, terms))).toBe('wrong-phase');
  });
});

it('a round can be stopped from each phase that is not its end, and forgets its updates', () => {
  const aggregation = reporting(committed(aarhus), committed(berlin), deadline);
  for (const round of [startRound(), reporting(), aggregation]) {
    expect(step(round, { type: 'stopped' }, terms)).toEqual({
      round: { phase: 'abandoned', reason: 'stopped' },
      effects: ['discard-updates'],
    });
  }
});
