import { auditFolder } from '../evidence.js';
import { findingLines, runLines } from '../report/text.js';
import type { ExitCode, Terminal } from '../terminal.js';

export interface ReplayOptions {
  readonly policy?: string;
  readonly run?: string;
  readonly json?: boolean;
}

/** The rounds as the state machines replay them, and whether each model could be computed again. */
export async function showReplay(evidence: string, options: ReplayOptions, terminal: Terminal): Promise<ExitCode> {
  const { verdict, findings, summary } = await auditFolder(evidence, options.policy);
  const runs = summary.runs.filter(({ run }) => options.run === undefined || run === options.run);
  if (options.json) terminal.out(JSON.stringify({ verdict, findings, runs }));
  else {
    for (const run of runs)
      [run.run, ...runLines(run).map((line) => `  ${line}`)].forEach((line) => terminal.out(line));
    findings.flatMap(findingLines).forEach((line) => terminal.out(line));
  }
  return verdict === 'pass' ? 0 : 1;
}
