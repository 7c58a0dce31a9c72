import type { Report } from '../audit/audit.js';
import type { RunSummary } from '../audit/summary.js';
import { FINDINGS, type Finding } from '../findings.js';
import { columns, short } from './columns.js';

/** The report as lines for a terminal: the verdict first, then why, then what ran. */
export function reportLines({ verdict, findings, summary }: Report): string[] {
  const { federation, logs, runs, egress, notes } = summary;
  return [
    `${verdict.toUpperCase()}  federation ${federation}: ${count(logs.length, 'log')}, ${count(runs.length, 'run')}, ${count(findings.length, 'finding')}`,
    ...section('Findings', findings.flatMap(findingLines)),
    ...section(
      'Logs',
      columns(logs.map(({ origin, size, root, cosigners }) => [origin, size, short(root), cosignersText(cosigners)])),
    ),
    ...runs.flatMap((run) => section(`Run ${run.run}`, runLines(run))),
    ...section(
      'Left the sites',
      columns(
        egress.map(({ site, message, messages, bytes }) => [site, message, messages, 'messages', bytes, 'bytes']),
      ),
    ),
    ...section('Notes', notes),
  ];
}

export function findingLines({ code, entry, expected, found }: Finding): string[] {
  const { kind, sentence } = FINDINGS[code];
  return [
    `${code} (${kind})${entry ? ` at ${entry}` : ''}: ${sentence}`,
    `  expected ${expected}`,
    `  found    ${found}`,
  ];
}

export function runLines(run: RunSummary): string[] {
  const approvals = run.approvals.map(({ site, by, roles, until }) => [
    site,
    byText(by, roles),
    `until ${until.slice(0, 10)}`,
  ]);
  const rounds = run.rounds.map(({ round, attempt, outcome, model, contributors, bytes, offered, derivation }) => [
    `${round}.${attempt}`,
    outcome,
    short(model),
    contributors.length,
    'updates',
    bytes,
    'bytes',
    derivation ?? '',
    offered ?? '',
  ]);
  return [
    `${run.title} (${run.study}), plan ${short(run.plan)}: ${run.outcome}, model ${short(run.model)}`,
    `legal basis ${run.legalBasis}; ethics ${run.ethics}; in ${run.jurisdictions.join(', ')}; started ${run.started}`,
    ...columns(approvals),
    ...columns(rounds),
  ];
}

export const byText = (by: string, roles: readonly string[]): string => {
  if (by === 'auto') return 'approved by its agent’s settings';
  if (by === 'standing') return 'approved under a standing approval';
  return `approved by ${roles.join(' and ') || 'nobody'}`;
};

const cosignersText = (cosigners: readonly string[]): string =>
  cosigners.length === 0
    ? 'not cosigned'
    : `cosigned by ${cosigners.map((name) => name.split('/').slice(1).join('/')).join(', ')}`;

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
