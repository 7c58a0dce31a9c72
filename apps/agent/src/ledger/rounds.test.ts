import type { SiteEvent } from '@consilium/ledger';
import { digest, Fault } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OTHER_RUN, RUN } from '../plan.fixture.js';
import { Rounds } from './rounds.js';

const [A, B, C] = ['a', 'b', 'c'].map((letter) => digest(letter.repeat(64))) as [never, never, never];
const accepted = (round: number | undefined, model = A, attempt = 1): SiteEvent => ({
  type: 'evidence.accepted',
  run: RUN,
  ...(round !== undefined && { round, attempt }),
  model,
  size: 9,
  root: B,
});
const signed = (round: number, attempt: number, sha256 = C): SiteEvent => ({
  type: 'update.signed',
  run: RUN,
  round,
  attempt,
  model: A,
  sha256,
  bytes: 10,
  statement: B,
});
const closed = (round: number, outcome: 'published' | 'abandoned'): SiteEvent => ({
  type: 'round.closed',
  run: RUN,
  round,
  attempt: 1,
  outcome,
});
const after = (...events: SiteEvent[]): Rounds => {
  const rounds = new Rounds();
  for (const event of events) rounds.follow(event);
  return rounds;
};
const asked = (rounds: Rounds, round: number | null, model: typeof A): string => {
  try {
    rounds.requireOpen(RUN, round, model);
    return 'open';
  } catch (error) {
    return Fault.from(error).code;
  }
};

describe('the one value of a round', () => {
  it('answers for the first model that it accepted, in every attempt, and for no other', () => {
    const rounds = after(accepted(1));
    expect(asked(rounds, 1, A)).toBe('open');
    expect(asked(rounds, 1, B)).toBe('ROUND_MODEL_CONFLICT');
    expect(asked(after(accepted(1), accepted(1, B, 2)), 1, A)).toBe('open');
    expect(asked(rounds, 2, B)).toBe('open');
  });

  it('takes the evaluation at the end as a round of its own', () => {
    const rounds = after(accepted(1), accepted(undefined, B));
    expect(asked(rounds, null, B)).toBe('open');
    expect(asked(rounds, null, A)).toBe('ROUND_MODEL_CONFLICT');
    expect(asked(rounds, 1, A)).toBe('open');
  });

  it('says nothing more in a round whose outcome is published', () => {
    expect(asked(after(accepted(1), closed(1, 'published')), 1, A)).toBe('ROUND_TRANSITION_REFUSED');
    expect(asked(after(closed(1, 'published')), 1, A)).toBe('ROUND_TRANSITION_REFUSED');
    expect(asked(after(accepted(1), closed(1, 'abandoned')), 1, A)).toBe('open');
  });

  it('knows the signed update with the statement of its newest attempt', () => {
    const rounds = after(accepted(1), signed(1, 1), signed(1, 2));
    expect(rounds.signed(RUN, 1)).toEqual({ sha256: C, bytes: 10, statement: B, attempt: 2 });
    expect(rounds.signed(RUN, 2)).toBeNull();
    expect(rounds.signed(OTHER_RUN, 1)).toBeNull();
  });

  it('needs an update until its round is published or its run ended, and not longer', () => {
    expect([...after(signed(1, 1), closed(1, 'abandoned')).outstanding()]).toEqual([C]);
    expect([...after(signed(1, 1), closed(1, 'published')).outstanding()]).toEqual([]);
    const ended: SiteEvent = { type: 'run.ended', run: RUN, outcome: 'cancelled' };
    expect([...after(signed(1, 1), ended).outstanding()]).toEqual([]);
    expect([...after(signed(1, 1, A), signed(2, 1, B)).outstanding()].sort()).toEqual([A, B]);
  });

  it('never opens a round to a second model, whatever happens in between', () => {
    const event = fc.oneof(
      fc.record({ round: fc.integer({ min: 1, max: 2 }), attempt: fc.integer({ min: 1, max: 3 }) }).chain((pass) =>
        fc.constantFrom(
          (rounds: Rounds, model: typeof A) => {
            if (asked(rounds, pass.round, model) === 'open') rounds.follow(accepted(pass.round, model, pass.attempt));
          },
          (rounds: Rounds) => rounds.follow(closed(pass.round, 'abandoned')),
        ),
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.constantFrom(A, B, C)), { maxLength: 20 }), (events) => {
        const rounds = new Rounds();
        for (const [happen, model] of events) happen(rounds, model);
        for (const round of [1, 2]) {
          const open = [A, B, C].filter((model) => asked(rounds, round, model) === 'open');
          expect([1, 3]).toContain(open.length); // the one accepted, or none yet
        }
      }),
    );
  });
});
