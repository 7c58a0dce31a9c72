import { Fault, type Clock } from '@consilium/stdx';
import type { Plan } from '@consilium/round';
import type { Coordinator } from '../api/coordinator.js';
import type { NewStudy } from '../api/shapes.js';
import { decideRun } from './planning.js';

type RunApi = Pick<Coordinator, 'createStudy' | 'runs' | 'startRun' | 'changeRun'>;

export interface RunTerms {
  readonly draft: Plan;
  readonly study: NewStudy;
  /** Has the draft completed and signed, and answers the digest of the plan that it became. */
  readonly sign: (draft: Plan) => Promise<string>;
}

/**
 * Goes on with the unfinished run of this plan, or starts one. Whatever it does may be done again, since it looks before
 * it acts; so it is tried again while the coordinator is being restarted.
 */
export async function openRun(
  coordinator: RunApi,
  { draft, study, sign }: RunTerms,
  clock: Clock,
  say: (line: string) => void,
): Promise<{ id: string; resumed: boolean }> {
  return patiently(clock, async () => {
    await registerStudy(coordinator, study);
    const digest = await sign(draft);
    const { resume, pause } = decideRun(await coordinator.runs(), digest);
    for (const other of pause) {
      if (await paused(coordinator, other.id))
        say(`paused ${other.id}, an unfinished run of another plan; consilium run resume ${other.id} goes on with it`);
    }
    if (!resume) return { id: (await coordinator.startRun(digest)).id, resumed: false };
    say(`goes on with ${resume.id}, which was unfinished in round ${resume.round} of ${resume.rounds}`);
    if (resume.state === 'paused') await coordinator.changeRun(resume.id, 'resume');
    return { id: resume.id, resumed: true };
  });
}

/** A study of this name with an older title or purpose does as well: the plan's own words are what the sites approve. */
async function registerStudy(coordinator: RunApi, study: NewStudy): Promise<void> {
  try {
    await coordinator.createStudy(study);
  } catch (error) {
    if (!Fault.is(error, 'ALREADY_EXISTS')) throw error;
  }
}

/** False where the run ended by itself in between. */
async function paused(coordinator: RunApi, id: string): Promise<boolean> {
  try {
    await coordinator.changeRun(id, 'pause');
    return true;
  } catch (error) {
    if (Fault.is(error, 'RUN_TRANSITION_REFUSED')) return false;
    throw error;
  }
}

const TRIES = 20;
const WAIT_MS = 500;

/** Tries again while the other side is away, at most ten seconds; any other failure is thrown at once. */
export async function patiently<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const passing = Fault.is(error, 'UNAVAILABLE') || Fault.is(error, 'TIMEOUT');
      if (!passing || tries >= TRIES) throw error;
      await new Promise<void>((resolve) => clock.after(WAIT_MS, resolve));
    }
  }
}
