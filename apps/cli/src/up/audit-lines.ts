import type { Paint } from '../text/colour.js';
import { count } from '../text/numbers.js';
import { harmless, wrapWords } from '../text/width.js';
import { derivedRounds, type Audit } from './audit.js';

/** The auditor’s own report has all of them. */
const FINDINGS_SHOWN = 10;

/** What the auditor says, on what grounds, and how anybody says it again from the evidence alone. */
export function auditLines(
  audit: Audit,
  shown: { readonly bundle: string; readonly policy: string },
  width: number,
  paint: Paint,
): string[] {
  const { verdict, findings } = audit.report;
  const passed = verdict === 'pass';
  const word = passed ? paint.green('pass') : paint.red('FAIL');
  return [
    `audit        ${word}${passed ? '' : `, ${count(findings.length, 'finding')}`}`,
    ...groundsOf(audit).map((line) => `             ${line}`),
    ...findings
      .slice(0, FINDINGS_SHOWN)
      .flatMap(({ code, entry, expected, found }) =>
        wrapWords(harmless(`${code}${entry ? ` at ${entry}` : ''}: expected ${expected}, found ${found}`), width),
      ),
    ...(findings.length > FINDINGS_SHOWN ? [`and ${count(findings.length - FINDINGS_SHOWN, 'more finding')}`] : []),
    'again, and on another machine from these two alone:',
    `  consilium audit report ${shown.bundle} --policy ${shown.policy}`,
  ];
}

function groundsOf(audit: Audit): string[] {
  const { logs, runs } = audit.report.summary;
  const run = runs.find((one) => one.run === audit.run);
  const entries = logs.reduce((sum, { size }) => sum + size, 0);
  const cosignatures = logs.reduce((sum, { cosigners }) => sum + cosigners.length, 0);
  const { published, derived } = derivedRounds(audit);
  return [
    `${count(logs.length, 'log')} with ${count(entries, 'entry', 'entries')}, ${count(cosignatures, 'cosignature')} of their last states`,
    ...(run
      ? [
          `${run.run}: approved by ${count(run.approvals.length, 'hospital')}`,
          `${derived} of its ${count(published, 'round')} computed again from the hospitals’ updates`,
        ]
      : []),
  ];
}
