import { parsePlan } from '@consilium/round';
import { DIGEST_PATTERN, Fault } from '@consilium/stdx';
import type { Coordinator } from '../api/coordinator.js';
import type { Run } from '../api/shapes.js';
import { readPlanFile } from '../study/plan-file.js';

/** Starts a run of a plan that was proposed before (its digest) or that a file holds; the file's study is registered if new. */
export async function startRun(
  coordinator: Pick<Coordinator, 'createStudy' | 'proposePlan' | 'startRun'>,
  plan: string,
): Promise<Run> {
  if (DIGEST_PATTERN.test(plan)) return coordinator.startRun(plan);
  const parsed = parsePlan((await readPlanFile(plan)).value);
  await coordinator.createStudy({ name: parsed.study, title: parsed.title, purpose: parsed.purpose });
  return coordinator.startRun(await coordinator.proposePlan(parsed.study, parsed));
}

export async function newestRun(coordinator: Pick<Coordinator, 'runs'>): Promise<string> {
  const [newest] = (await coordinator.runs()).sort((a, b) => b.createdMs - a.createdMs);
  if (!newest) throw new Fault('NOT_FOUND', { expected: 'a run' });
  return newest.id;
}
