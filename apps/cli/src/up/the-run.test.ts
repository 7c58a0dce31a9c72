import type { Plan } from '@consilium/round';
import { Fault, ManualClock, type Code } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import type { Coordinator } from '../api/coordinator.js';
import type { NewStudy, RunListed } from '../api/shapes.js';
import { parsePlanText } from '../study/plan-file.js';
import { PLAN_YAML } from '../testing/plan.fixture.js';
import { PLAN_DIGEST, runOf } from '../testing/run.fixture.js';
import { planFor } from './planning.js';
import { openRun, patiently } from './the-run.js';

const plan = planFor(parsePlanText(PLAN_YAML).value as Record<string, unknown>, { sites: 2, seed: 1 });
const study: NewStudy = {
  name: 'small',
  title: 'A title',
  purpose: 'A purpose',
  legalBasis: 'gdpr-6-1-e-9-2-j',
  ethics: { number: '1', authority: 'A board', expires: '2099-12-31' },
  jurisdictions: ['DE'],
  sites: ['hospital-a', 'hospital-b'],
  dataContract: { modality: 'OT', minPatients: 1, deidentified: true },
};

/** A clock whose waits are over at once, and that counts them. */
const quickClock = (): ManualClock & { waits: number } => {
  const clock = Object.assign(new ManualClock(), { waits: 0 });
  const after = clock.after.bind(clock);
  clock.after = (ms, callback) => {
    clock.waits++;
    const cancel = after(ms, callback);
    queueMicrotask(() => clock.advance(ms));
    return cancel;
  };
  return clock;
};

/** A coordinator that holds these runs; `failures` come first, one for each call of that name. */
function hub(runs: RunListed[], failures: Partial<Record<keyof Coordinator, Code[]>> = {}) {
  const calls: string[] = [];
  const call = <T>(name: keyof Coordinator, told: string, value: T): Promise<T> => {
    calls.push(told);
    const code = failures[name]?.shift();
    return code ? Promise.reject(new Fault(code)) : Promise.resolve(value);
  };
  return {
    calls,
    sign: (draft: Plan) => call('signPlan', `plan for ${draft.study}`, PLAN_DIGEST),
    api: {
      createStudy: (given: NewStudy) => call('createStudy', `study ${given.name}`, { ...given, createdMs: 1 }),
      runs: () => call('runs', 'runs', runs),
      startRun: () => call('startRun', 'start', runOf({ id: 'run-new0000000' })),
      changeRun: (id: string, verb: string) => call('changeRun', `${verb} ${id}`, runOf({ id })),
    },
  };
}

const open = async ({ api, sign }: ReturnType<typeof hub>, said: string[] = [], clock = quickClock()) =>
  openRun(api, { draft: plan, study, sign }, clock, (line) => said.push(line));

describe('the run of a demonstration', () => {
  it('is started where none waits', async () => {
    const made = hub([]);
    expect(await open(made)).toEqual({ id: 'run-new0000000', resumed: false });
    expect(made.calls).toEqual(['study small', 'plan for small', 'runs', 'start']);
  });

  it('goes on where one of the same plan was left', async () => {
    const made = hub([runOf({ id: 'run-left000000', round: 7 })]);
    const said: string[] = [];
    expect(await open(made, said)).toEqual({ id: 'run-left000000', resumed: true });
    expect(said).toEqual(['goes on with run-left000000, which was unfinished in round 7 of 20']);
    expect(made.calls.at(-1)).toBe('runs');
  });

  it('is resumed if it was paused', async () => {
    const made = hub([runOf({ id: 'run-left000000', state: 'paused' })]);
    await open(made);
    expect(made.calls.at(-1)).toBe('resume run-left000000');
  });

  it('has the sites to itself: others are paused, and that is said', async () => {
    const made = hub([runOf({ id: 'run-other00000', planDigest: 'b'.repeat(64) })]);
    const said: string[] = [];
    await open(made, said);
    expect(made.calls.slice(-2)).toEqual(['pause run-other00000', 'start']);
    expect(said).toEqual([
      'paused run-other00000, an unfinished run of another plan; consilium run resume run-other00000 goes on with it',
    ]);
  });

  it('does not mind another run that ended in between', async () => {
    const made = hub([runOf({ id: 'run-other00000', planDigest: 'b'.repeat(64) })], {
      changeRun: ['RUN_TRANSITION_REFUSED'],
    });
    const said: string[] = [];
    expect(await open(made, said)).toMatchObject({ resumed: false });
    expect(said).toEqual([]);
  });

  it('does not mind a study of this name with an older title', async () => {
    expect(await open(hub([], { createStudy: ['ALREADY_EXISTS'] }))).toMatchObject({ resumed: false });
  });

  it('looks again before it acts again while the coordinator is being restarted', async () => {
    const made = hub([], { startRun: ['UNAVAILABLE', 'TIMEOUT'] });
    await open(made);
    expect(made.calls.filter((call) => call === 'runs')).toHaveLength(3);
  });

  it('is not opened when the coordinator refuses', async () => {
    const made = hub([], { signPlan: ['PLAN_INVALID'] });
    await expect(open(made)).rejects.toMatchObject({ code: 'PLAN_INVALID' });
    expect(made.calls).toEqual(['study small', 'plan for small']);
  });
});

describe('patience', () => {
  it('ends after ten seconds of half-second waits', async () => {
    const clock = quickClock();
    await expect(patiently(clock, () => Promise.reject(new Fault('UNAVAILABLE')))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(clock.waits).toBe(19);
    expect(clock.time).toBe(9_500);
  });

  it('is not for what will not change', async () => {
    const clock = quickClock();
    await expect(patiently(clock, () => Promise.reject(new Fault('NOT_FOUND')))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(clock.waits).toBe(0);
  });
});
