import { planDigest } from '@consilium/round';
import { Fault, InvariantError } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Assignment } from '../offers.js';
import { evaluationOffer, OTHER_RUN, planOf, roundOffer, RUN } from '../plan.fixture.js';
import { siteWith } from '../site.fixture.js';
import { memoryLog } from '../twins.fixture.js';
import { halt, type HaltPorts } from './halt.js';

const plan = planOf();
let cancelled: string[];
let sent: object[];
beforeEach(() => {
  [cancelled, sent] = [[], []];
});
const stop = (
  current: Assignment | undefined,
  send: HaltPorts['guard']['send'] = async (message) => void sent.push(message),
) => {
  const { runs } = siteWith().ledger;
  const worklist = { current, cancel: (run: string) => void cancelled.push(run) };
  const diary = memoryLog();
  return { done: halt(planDigest(plan), { runs, worklist, guard: { send }, log: diary.log }), diary };
};

describe('the end of work on a suspended plan', () => {
  it('takes what waits and what is under way off the list, and answers the round', async () => {
    await stop(roundOffer(plan)).done;
    expect(cancelled).toEqual([RUN]);
    expect(sent).toEqual([{ kind: 'round-refusal', run: RUN, round: 1, attempt: 1, code: 'PLAN_SUSPENDED' }]);
  });

  it.each<[string, Assignment | undefined]>([
    ['nothing is under way', undefined],
    ['another plan is', roundOffer(planOf({ seed: 8 }), { run: OTHER_RUN })],
    ['a measurement is, for which nobody waits', evaluationOffer(plan)],
  ])('has no round to answer where %s', async (_what, current) => {
    await stop(current).done;
    expect(sent).toEqual([]);
  });

  it('stands though the coordinator cannot be told, and does not hide a bug', async () => {
    const away = stop(roundOffer(plan), () => Promise.reject(new Fault('UNAVAILABLE')));
    await away.done;
    expect(cancelled).toEqual([RUN]);
    expect(away.diary.text()).toContain('learns of the suspension');
    const bug = new InvariantError('a bug');
    await expect(stop(roundOffer(plan), () => Promise.reject(bug)).done).rejects.toBe(bug);
  });
});
