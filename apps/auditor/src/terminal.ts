import { describe, Fault } from '@consilium/stdx';

/** What a command needs of the process it runs in; `main.ts` binds the real one, tests their own. */
export interface Terminal {
  /** One line on standard output. */
  out(line: string): void;
  /** One line on standard error. */
  err(line: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly interrupted: AbortSignal;
}

/** 0: done, or the verdict is pass. 1: the verdict is fail, or a Fault. 2: the command line is not understood. 130: Ctrl-C. */
export type ExitCode = 0 | 1 | 2 | 130;

/** The one way in which a command fails: a line for people, and with `--json` an object for programs. */
export function reportFailure(error: unknown, json: boolean, terminal: Terminal): ExitCode {
  if (terminal.interrupted.aborted) return 130;
  const { code, facts, cause } = Fault.from(error);
  const message = describe(code, facts);
  terminal.err(`consilium: ${code}: ${message}`);
  if (json) terminal.out(JSON.stringify({ error: { code, message, facts } }));
  // Our own bug: nothing of a patient can stand in it, since no patient's data are read here.
  if (code === 'INTERNAL') terminal.err(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
  return code === 'USAGE' ? 2 : 1;
}
