import { rm } from 'node:fs/promises';
import { DIGEST_PATTERN, Fault, type Digest } from '@consilium/stdx';
import { z } from 'zod';
import type { Layout } from './layout.js';
import type { ProgramCommand } from './program-command.js';

const digest = z
  .string()
  .regex(DIGEST_PATTERN)
  .transform((text) => text as Digest);

/** What `audit report --json` answers, as far as it is told here. */
const reportShape = z.object({
  verdict: z.enum(['pass', 'fail']),
  findings: z.array(
    z.object({ code: z.string(), entry: z.string().nullable(), expected: z.string(), found: z.string() }),
  ),
  summary: z.object({
    logs: z.array(z.object({ origin: z.string(), size: z.number(), root: digest, cosigners: z.array(z.string()) })),
    runs: z.array(
      z.object({
        run: z.string(),
        approvals: z.array(z.unknown()),
        quorum: z.number(),
        rounds: z.array(z.object({ outcome: z.string(), derivation: z.string().nullable() })),
      }),
    ),
  }),
});

export type AuditReport = z.infer<typeof reportShape>;

export interface Audit {
  readonly run: string;
  /** The folder with the evidence. */
  readonly bundle: string;
  readonly report: AuditReport;
}

/**
 * Fetches the evidence about the whole federation while it goes on serving, and has it audited against the policy by a
 * program of its own. A verdict of failure is an answer; Faults are what kept the auditor from one.
 */
export async function auditRun(
  run: string,
  { layout, programCommand, say }: { layout: Layout; programCommand: ProgramCommand; say: (line: string) => void },
): Promise<Audit> {
  const bundle = layout.bundle(run);
  // What a killed start has fetched of it may be incomplete, and a bundle is never added to.
  await rm(bundle, { recursive: true, force: true });
  const order = (name: string, args: readonly string[]) =>
    ({ program: 'auditor', name, log: 'audit', args: [...args, '--json'] }) as const;
  await programCommand(order('fetching of the evidence', ['fetch', '--state', layout.root, '--out', bundle]), say);
  const answer = await programCommand(order('audit', ['report', bundle, '--policy', layout.policy]), say, {
    isAnswer: (last) => reportShape.safeParse(last).success,
  });
  const report = reportShape.safeParse(answer);
  if (!report.success) throw new Fault('MESSAGE_MALFORMED', { program: 'auditor' }, report.error);
  return { run, bundle, report: report.data };
}

/** How many published rounds of a run there are, and how many the auditor has computed again from the updates. */
export function derivedRounds({ run, report }: Audit): { readonly published: number; readonly derived: number } {
  const published = (report.summary.runs.find((one) => one.run === run)?.rounds ?? []).filter(
    ({ outcome }) => outcome === 'published',
  );
  return { published: published.length, derived: published.filter(({ derivation }) => derivation === DERIVED).length };
}

const DERIVED = 're-derived';
