import { Fault, describe } from '@consilium/stdx';
import { describeError } from './log.js';

/** What a command needs of the process it runs in; `main.ts` binds the real one, tests their own. */
export interface Terminal {
  /** One line on standard output. */
  out(line: string): void;
  /** One line on standard error. */
  err(line: string): void;
  /** Where the log goes. */
  readonly stream: { write(text: string): void };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Asks a person; what they type to a secret question is not shown. Absent where nobody can be asked. */
  readonly ask?: (question: string, secret: boolean) => Promise<string>;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly interrupted: AbortSignal;
  /** Tells the program that started this one, if it listens. */
  notify(message: { ready: true }): void;
}

/** 0: done. 1: a Fault. 2: the command line is not understood. 130: Ctrl-C. */
export type ExitCode = 0 | 1 | 2 | 130;

/** The one way in which a command fails: a line for people, and with `--json` an object for programs. */
export function reportFailure(
  error: unknown,
  json: boolean,
  terminal: Pick<Terminal, 'out' | 'err' | 'interrupted'>,
): ExitCode {
  if (terminal.interrupted.aborted && (!Fault.is(error) || error.code === 'CANCELLED')) return 130;
  const { code, facts } = Fault.from(error);
  const message = describe(code, facts);
  terminal.err(`consilium: ${code}: ${message}`);
  if (json) terminal.out(JSON.stringify({ error: { code, message, facts } }));
  if (code === 'INTERNAL') terminal.err(whereItRose(error));
  return code === 'USAGE' ? 2 : 1;
}

/** Our own bug: the place in the code, without the error's text. */
function whereItRose(error: unknown): string {
  const cause = Fault.is(error) && error.cause !== undefined ? error.cause : error;
  return JSON.stringify(describeError(cause));
}
