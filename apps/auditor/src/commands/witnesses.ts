import { columns, short } from '../report/columns.js';
import { auditFolder } from '../evidence.js';
import { findingLines } from '../report/text.js';
import type { ExitCode, Terminal } from '../terminal.js';

export interface WitnessOptions {
  readonly policy?: string;
  readonly json?: boolean;
}

const CODES = [
  'OFFER_NOT_WITNESSED',
  'EVIDENCE_DIFFERS',
  'LOG_BEHIND',
  'HISTORY_REWRITTEN',
  'ROLLED_BACK',
  'LOG_MISSING',
];

/** Whose signatures stand under which log, and what was found about the witnessing. */
export async function showWitnesses(evidence: string, options: WitnessOptions, terminal: Terminal): Promise<ExitCode> {
  const { verdict, findings, summary } = await auditFolder(evidence, options.policy);
  const about = findings.filter(
    ({ code }) => CODES.includes(code) || code.startsWith('LEDGER_') || code.startsWith('POLICY_'),
  );
  const logs = summary.logs.map(({ origin, size, root, cosigners }) => ({ origin, size, root, cosigners }));
  const quorums = summary.runs.map(({ run, quorum, approvals }) => ({ run, quorum, sites: approvals.length }));
  if (options.json) terminal.out(JSON.stringify({ verdict, findings: about, logs, quorums }));
  else {
    columns(
      logs.map(({ origin, size, root, cosigners }) => [origin, size, short(root), cosigners.join(' ') || '–']),
    ).forEach((line) => terminal.out(line));
    for (const { run, quorum } of quorums) terminal.out(`${run}: each offer needs the cosignatures of ${quorum} sites`);
    about.flatMap(findingLines).forEach((line) => terminal.out(line));
  }
  return about.length === 0 ? 0 : 1;
}
