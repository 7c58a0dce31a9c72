import { auditFolder } from '../evidence.js';
import { writeOutput } from '../output.js';
import { reportHtml } from '../report/html.js';
import { reportLines } from '../report/text.js';
import type { ExitCode, Terminal } from '../terminal.js';

export interface ReportOptions {
  readonly policy?: string;
  readonly json?: boolean;
  readonly html?: string;
}

/** The whole audit. The exit code is the verdict. */
export async function report(evidence: string, options: ReportOptions, terminal: Terminal): Promise<ExitCode> {
  const result = await auditFolder(evidence, options.policy);
  if (options.html !== undefined) await writeOutput(options.html, reportHtml(result));
  if (options.json) terminal.out(JSON.stringify(result));
  else reportLines(result).forEach((line) => terminal.out(line));
  return result.verdict === 'pass' ? 0 : 1;
}
