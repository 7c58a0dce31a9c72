import { readFile, stat } from 'node:fs/promises';
import { isErrno } from '@consilium/machine';
import { Fault } from '@consilium/stdx';
import { planProblems, type PlanProblem } from '@consilium/round';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';

/** A plan with hundreds of sites and layers stays far below. */
const PLAN_BYTES_MAX = 1024 * 1024;

/** A plan file's value, and for each path of it the line where it stands. */
export interface PlanText {
  readonly value: unknown;
  readonly lineOf: (path: string) => number | undefined;
}

/** Reads YAML 1.2 or JSON (which YAML contains). Faults: PLAN_UNREADABLE with the line where reading stopped. */
export async function readPlanFile(path: string): Promise<PlanText> {
  let text: string;
  try {
    if ((await stat(path)).size > PLAN_BYTES_MAX) throw new Fault('PLAN_UNREADABLE', { bytesMax: PLAN_BYTES_MAX });
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EISDIR', 'EACCES', 'ENOTDIR'))
      throw new Fault('PLAN_UNREADABLE', { expected: 'a file that can be read' }, error);
    throw error;
  }
  return parsePlanText(text);
}

export function parsePlanText(text: string): PlanText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, schema: 'core', prettyErrors: false });
  const [problem] = document.errors;
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new Fault('PLAN_UNREADABLE', { line, column: col }, problem);
  }
  const lineOf = (path: string): number | undefined => {
    const offset = offsetOf(document, path === '(top)' ? [] : path.split('.'));
    return offset === undefined ? undefined : lines.linePos(offset).line;
  };
  return { value: valueOf(document), lineOf };
}

/** Aliases may not multiply: a few bytes of nested ones otherwise become gigabytes (CVE-2003-1564's trick in YAML). */
function valueOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new Fault('PLAN_UNREADABLE', { expected: 'few aliases' }, error);
  }
}

/** Where the deepest part of the path that exists begins. */
function offsetOf(document: Document, path: readonly string[]): number | undefined {
  let node: unknown = document.contents;
  let offset = isMap(node) || isSeq(node) || isScalar(node) ? node.range?.[0] : undefined;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
      if (!pair) return offset;
      offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      if (!isMap(node) && !isSeq(node) && !isScalar(node)) return offset;
      offset = node.range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}

/** One line for each problem: `rounds.minSites: expected at most the number of sites, came a number (line 41)`. */
export function problemLines(plan: PlanText): string[] {
  return planProblems(plan.value).map((problem) => problemLine(problem, plan.lineOf(problem.path)));
}

export const problemLine = ({ path, expected, came }: PlanProblem, line?: number): string =>
  `${path}: expected ${wording(expected)}, came ${came}${line === undefined ? '' : ` (line ${line})`}`;

/** zod's own sentences say `expected` and `received` themselves; ours do not. */
function wording(expected: string): string {
  const [, unknown] = /^Unrecognized keys?: (.*)$/s.exec(expected) ?? [];
  if (unknown !== undefined) return `no field ${unknown}`;
  const [, told] = /^(?:Invalid|Too|Unrecognized)[^:]*: (?:expected )?(.*?)(?:, received .*)?$/s.exec(expected) ?? [];
  return told ?? expected;
}
