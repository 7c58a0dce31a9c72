import { auditFolder, openEvidence } from '../evidence.js';
import { listEntriesOf, type Filter, type Listed } from '../listing.js';
import type { ExitCode, Terminal } from '../terminal.js';

export interface LogOptions extends Filter {
  readonly policy?: string;
  readonly json?: boolean;
}

/** Lists entries. With a policy the whole evidence is audited first, and the exit code is the verdict. */
export async function listEntries(evidence: string, options: LogOptions, terminal: Terminal): Promise<ExitCode> {
  const verdict = options.policy === undefined ? 'not verified' : (await auditFolder(evidence, options.policy)).verdict;
  const listed = await listEntriesOf(await openEvidence(evidence), options);
  if (options.json) terminal.out(JSON.stringify({ verdict, entries: listed }));
  else listed.map(entryLine).forEach((line) => terminal.out(line));
  if (!options.json)
    terminal.err(
      verdict === 'not verified' ? 'Not verified: no policy was given (--policy FILE).' : `Verdict: ${verdict}`,
    );
  return verdict === 'fail' ? 1 : 0;
}

/** `lung/coordinator/2026#12  2026-11-25T03:04:05.678Z  run.started  run run-…  model 3f…`. */
export function entryLine({ origin, index, entry }: Listed): string {
  const { v: _v, salt: _salt, at, type, ...fields } = entry;
  const told = Object.entries(fields).map(([name, value]) => `${name} ${textOf(value)}`);
  return [`${origin}#${index}`, new Date(at).toISOString(), type, ...told].join('  ');
}

const textOf = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
