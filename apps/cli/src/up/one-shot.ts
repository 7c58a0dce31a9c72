import { createInterface } from 'node:readline';
import { Fault, isCode, type Clock } from '@consilium/stdx';
import type { Children, ChildSpec } from './children.js';
import { lastFault } from './last-fault.js';

/** A line longer than this is not one of our programs'. */
const LINE_CHARS_MAX = 4 * 1024 * 1024;
const STOP_GRACE_MS = 2_000;

export interface OneShotPorts {
  readonly children: Children;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface OneShotListener {
  readonly onStart?: (pid: number) => void;
  /** Given each JSON line as it comes. */
  readonly onLine?: (value: unknown) => void;
  /** Whether an exit code other than 0 is an answer too, as that of a program whose last line is a verdict. */
  readonly isAnswer?: (last: unknown) => boolean;
}

/**
 * Runs a program that works and ends, reads the JSON lines that it prints, and answers the last one. Faults: the
 * program's own code where it told one, PROGRAM_DIED where not, CANCELLED.
 */
export async function runToEnd(
  spec: ChildSpec,
  { children, clock, signal }: OneShotPorts,
  { onStart, onLine, isAnswer }: OneShotListener = {},
): Promise<unknown> {
  if (signal.aborted) throw new Fault('CANCELLED');
  const child = children.launch(spec);
  onStart?.(child.pid);
  const stop = (): void => {
    child.signal('SIGTERM');
    clock.after(STOP_GRACE_MS, () => child.signal('SIGKILL'));
  };
  signal.addEventListener('abort', stop);
  try {
    let last: unknown;
    if (child.lines) {
      for await (const line of createInterface({ input: child.lines, crlfDelay: Infinity })) {
        const value = jsonOf(line);
        if (value === undefined) continue;
        last = value;
        onLine?.(value);
      }
    }
    const exit = await child.exited;
    if (signal.aborted) throw new Fault('CANCELLED');
    if (exit.code === 0 || (exit.code !== null && isAnswer?.(last))) return last;
    throw (
      toldFault(last, spec.name) ??
      (await lastFault(spec.log, child.logStart, spec.name)) ??
      new Fault('PROGRAM_DIED', { program: spec.name, ended: exit.signal ?? exit.code ?? 'never started' })
    );
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** What is not a JSON object is talk of the program, and belongs to nobody here. */
function jsonOf(line: string): unknown {
  if (!line.startsWith('{') || line.length > LINE_CHARS_MAX) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function toldFault(last: unknown, name: string): Fault | undefined {
  const code = (last as { error?: { code?: unknown } } | undefined)?.error?.code;
  return typeof code === 'string' && isCode(code) ? new Fault(code, { program: name }) : undefined;
}

/** Runs work at most `limit` at a time, in order; the first failure is thrown when all that had begun has ended. */
export async function atMost(limit: number, work: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...work];
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next && failures.length === 0; next = waiting.shift()) {
      await next().catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: limit }, lane));
  if (failures.length > 0) throw failures[0];
}
