import { type z } from 'zod';
import type { Code } from './catalogue.js';
import { Fault } from './fault.js';

/**
 * Parses a value that came from outside into what the schema promises, or throws `code` with the path, what was
 * expected and what kind of thing came. The value itself is never told: it may be a secret.
 */
export function parseShape<T>(schema: z.ZodType<T>, value: unknown, code: Code): T {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.map(String).join('.') || '(top)';
  throw new Fault(
    code,
    { path, expected: issue.message, came: kindOf(issue.input), problems: parsed.error.issues.length },
    parsed.error,
  );
}

/** Every problem of the value as `path: what was expected`, in order; empty when it fits. */
export function shapeProblems(
  schema: z.ZodType,
  value: unknown,
): readonly { path: string; expected: string; came: string }[] {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return [];
  return parsed.error.issues.map((issue) => ({
    path: issue.path.map(String).join('.') || '(top)',
    expected: issue.message,
    came: kindOf(issue.input),
  }));
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
