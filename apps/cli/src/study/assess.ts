import { parsePlan, planDigest, planProblems, type Plan, type PlanProblem } from '@consilium/round';
import { Fault, type Digest } from '@consilium/stdx';
import { problemLines, readPlanFile } from './plan-file.js';

/** What there is to say of a plan's file: that it is good, or everything that is wrong with it. */
export type Assessment =
  | { readonly valid: true; readonly plan: Plan; readonly digest: Digest }
  | {
      readonly valid: false;
      readonly problems: readonly (PlanProblem & { readonly line: number | null })[];
      /** The same for people. */
      readonly lines: readonly string[];
    };

/** Reads a plan's file and judges it. Faults: PLAN_UNREADABLE. */
export async function assess(file: string): Promise<Assessment> {
  const text = await readPlanFile(file);
  const problems = planProblems(text.value);
  if (problems.length > 0) {
    const placed = problems.map((problem) => ({ ...problem, line: text.lineOf(problem.path) ?? null }));
    return { valid: false, problems: placed, lines: problemLines(text) };
  }
  const plan = parsePlan(text.value);
  return { valid: true, plan, digest: planDigest(plan) };
}

export const refusal = (problems: number): Fault => new Fault('PLAN_INVALID', { problems });
