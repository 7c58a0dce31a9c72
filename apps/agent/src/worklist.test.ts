import { Fault, type RunId } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Assignment, RoundOffer } from './offers.js';
import { evaluationOffer, OTHER_RUN, planOf, roundOffer, RUN } from './plan.fixture.js';
import { settle } from './twins.fixture.js';
import { Worklist } from './worklist.js';

const plan = planOf();
const offer = (changes: Partial<RoundOffer> = {}): RoundOffer => roundOffer(plan, changes);
const nameOf = (assignment: Assignment): string =>
  assignment.kind === 'round'
    ? `${assignment.run} ${assignment.round}.${assignment.attempt}`
    : `${assignment.run} evaluation`;

/** A desk whose work ends when the test says so, or when it is told to stop. */
function desk() {
  const log: string[] = [];
  let finish: () => void = () => {};
  let atWork = 0;
  let most = 0;
  const list = new Worklist(async (assignment, signal) => {
    log.push(`start ${nameOf(assignment)}`);
    most = Math.max(most, ++atWork);
    const ended = await new Promise<string>((resolve) => {
      finish = () => resolve('end');
      signal.addEventListener('abort', () => resolve('stop'));
    });
    await settle(1); // work takes a moment to let go
    atWork--;
    log.push(`${ended} ${nameOf(assignment)}`);
  });
  return { list, log, most: () => most, finish: async () => (finish(), settle()) };
}

describe('the list of what is to be done', () => {
  it('works on one thing at a time, runs in turn', async () => {
    const { list, log, finish, most } = desk();
    list.offer(offer());
    list.offer(offer({ run: OTHER_RUN }));
    await finish();
    await finish();
    expect(log).toEqual([`start ${RUN} 1.1`, `end ${RUN} 1.1`, `start ${OTHER_RUN} 1.1`, `end ${OTHER_RUN} 1.1`]);
    expect(most()).toBe(1);
  });

  it('lets the newest offer of a run win, and starts it only when the old one has let go', async () => {
    const { list, log, most } = desk();
    list.offer(offer());
    list.offer(offer({ attempt: 2 }));
    list.offer(offer({ round: 2 }));
    await settle();
    expect(log).toEqual([`start ${RUN} 1.1`, `stop ${RUN} 1.1`, `start ${RUN} 2.1`]);
    expect(most()).toBe(1);
  });

  it('goes on with what it is at when the same is offered again', async () => {
    const { list, log, finish } = desk();
    list.offer(offer());
    list.offer(offer({ deadlineMs: 30_000 }));
    await finish();
    await finish();
    expect(log).toEqual([`start ${RUN} 1.1`, `end ${RUN} 1.1`]);
  });

  it('starts again what was stopped and is offered once more', async () => {
    const { list, log } = desk();
    list.offer(offer());
    list.cancel(RUN);
    list.offer(offer());
    await settle();
    expect(log).toEqual([`start ${RUN} 1.1`, `stop ${RUN} 1.1`, `start ${RUN} 1.1`]);
  });

  it('tells an evaluation from a round of the same run and model', async () => {
    const { list, log } = desk();
    list.offer(offer());
    list.offer(evaluationOffer(plan));
    await settle();
    expect(log.at(-1)).toBe(`start ${RUN} evaluation`);
  });

  it('stops what a closed round was, and nothing else', async () => {
    const { list, log } = desk();
    list.offer(offer({ round: 2 }));
    list.offer(offer({ run: OTHER_RUN }));
    list.cancel(RUN, (work) => work.kind === 'round' && work.round <= 1);
    await settle();
    expect(log).toEqual([`start ${RUN} 2.1`]);
    list.cancel(RUN);
    list.cancel(OTHER_RUN);
    await settle();
    expect(log).toEqual([`start ${RUN} 2.1`, `stop ${RUN} 2.1`]);
    expect(list.current).toBeUndefined();
  });

  it('refuses more runs than it has room for, and keeps those it has', async () => {
    const { list } = desk();
    const run = (i: number): RunId => `run-00000001${String(i).padStart(2, '0')}` as RunId;
    for (let i = 0; i < 17; i++) list.offer(offer({ run: run(i) }));
    expect(() => list.offer(offer({ run: run(17) }))).toThrow(Fault);
    list.offer(offer({ run: run(3), round: 2 }));
    await list.close();
  });

  it('stops everything when it is closed, and takes nothing more', async () => {
    const { list, log } = desk();
    list.offer(offer());
    list.offer(offer({ run: OTHER_RUN }));
    await list.close();
    list.offer(offer({ round: 3 }));
    await settle();
    expect(log).toEqual([`start ${RUN} 1.1`, `stop ${RUN} 1.1`]);
  });

  it('never has two things at work, whatever comes in whatever order', async () => {
    const event = fc.oneof(
      fc
        .record({ run: fc.constantFrom(RUN, OTHER_RUN), round: fc.integer({ min: 1, max: 3 }) })
        .map((changes) => (d: ReturnType<typeof desk>) => d.list.offer(offer(changes))),
      fc.constantFrom(RUN, OTHER_RUN).map((run) => (d: ReturnType<typeof desk>) => d.list.cancel(run)),
      fc.constant((d: ReturnType<typeof desk>) => d.finish()),
      fc.constant(() => settle(2)),
    );
    let busiest = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 30, size: 'max' }), async (events) => {
        const d = desk();
        for (const happen of events) await happen(d);
        expect(d.most()).toBeLessThanOrEqual(1);
        busiest = Math.max(busiest, d.log.length);
        await d.list.close();
      }),
    );
    expect(busiest).toBeGreaterThan(6); // the generator is not vacuous
  });
});
