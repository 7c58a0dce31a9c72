import { readFile } from 'node:fs/promises';
import { parsePlan, type Plan } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import { parse } from 'yaml';

/** A plan from a file of YAML or JSON (which is YAML). Throws PLAN_UNREADABLE, PLAN_INVALID, PLAN_NOT_SUPPORTED or GRAPH_INVALID. */
export async function readPlanFile(path: string, seed?: number): Promise<Plan> {
  let document: unknown;
  try {
    document = parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new Fault('PLAN_UNREADABLE', {}, error);
  }
  const plan = parsePlan(document);
  return seed === undefined ? plan : parsePlan({ ...plan, seed });
}
