import { CATALOGUE, Fault, InvariantError } from '@consilium/stdx';
import type { Terminal } from './terminal.js';

export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** What a person can do about it, where the catalogue's sentence does not say it in this program's own options. */
const HINTS: Partial<Record<Fault['code'], string>> = {
  SANDBOX_UNAVAILABLE:
    'This machine does not let programs make network namespaces. `consilium up --sandbox off` trains without that fence; each site’s journal records it.',
  UNAVAILABLE: 'Is a coordinator running? `consilium up` starts a whole federation; --url names another.',
  TOKEN_MISSING: 'Log in with `consilium login`, or name a token with --token-file or CONSILIUM_TOKEN.',
  ACCOUNT_UNKNOWN: 'An admin gives a role with `consilium account grant`; the person’s id stands above.',
  STATE_LOCKED: 'Another `consilium up` may be running here; --state names another directory.',
  CERTIFICATE_LAPSED:
    'A demonstration that rested for more than a month begins anew: `consilium up --state` names another directory.',
  PROGRAM_DIED: 'The programs’ logs are in the folder `logs` of the state directory.',
};

/**
 * Tells of a failure the same way for every command: one line `consilium: CODE: sentence (facts)` on standard error,
 * then a hint; with `json` also `{"error":{code,message,facts}}` as the last line of standard output.
 */
export function tellFailure(error: unknown, terminal: Terminal, json: boolean): number {
  const fault = Fault.from(error);
  terminal.err(`consilium: ${fault.code}: ${fault.message}`);
  const hint = HINTS[fault.code];
  if (hint) terminal.err(hint);
  if (fault.code === 'INTERNAL') terminal.err(whereItRose(fault.cause, terminal.env['CONSILIUM_DEBUG'] !== undefined));
  if (json)
    terminal.out(
      JSON.stringify({ error: { code: fault.code, message: CATALOGUE[fault.code].sentence, facts: fault.facts } }),
    );
  return exitOf(fault);
}

/** What our own bug was and where in the code; another library's words only where somebody looks for it. */
function whereItRose(cause: unknown, whole: boolean): string {
  if (!(cause instanceof Error)) return 'no cause is known';
  if (whole || cause instanceof InvariantError) return cause.stack ?? cause.message;
  const frames = (cause.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  const code = 'code' in cause ? ` ${String(cause.code)}` : '';
  return [`${cause.name}${code}`, ...frames.slice(0, 8)].join('\n');
}

function exitOf(fault: Fault): number {
  if (fault.code === 'USAGE') return EXIT.usage;
  return fault.code === 'CANCELLED' ? EXIT.interrupted : EXIT.failed;
}
