import { CATALOGUE, Fault, InvariantError } from '@consilium/stdx';
import type { Terminal } from './terminal.js';

export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** What a person can do about it, where the catalogue's sentence does not say it in this program's own options. */
const HINTS: Partial<Record<Fault['code'], string>> = {
  SANDBOX_UNAVAILABLE:
    'This machine does not let programs make network namespaces. `consilium up --sandbox off` trains without that fence; each site’s journal records it.',
  UNAVAILABLE: 'Is a coordinator running? `consilium up` starts a whole federation; --url names another.',
  TOKEN_MISSING: 'Name the coordinator’s token file with --token-file or CONSILIUM_TOKEN_FILE.',
  STATE_LOCKED: 'Another `consilium up` may be running here; --state names another directory.',
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
  if (fault.code === 'INTERNAL' && (fault.cause instanceof InvariantError || terminal.env['CONSILIUM_DEBUG'])) {
    terminal.err(fault.cause instanceof Error ? (fault.cause.stack ?? fault.cause.message) : String(fault.cause));
  }
  if (json)
    terminal.out(
      JSON.stringify({ error: { code: fault.code, message: CATALOGUE[fault.code].sentence, facts: fault.facts } }),
    );
  return exitOf(fault);
}

function exitOf(fault: Fault): number {
  if (fault.code === 'USAGE') return EXIT.usage;
  return fault.code === 'CANCELLED' ? EXIT.interrupted : EXIT.failed;
}
