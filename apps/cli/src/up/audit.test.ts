import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digest, Fault } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { paintFor } from '../text/colour.js';
import { widthOf } from '../text/width.js';
import { auditRun, derivedRounds, type Audit, type AuditReport } from './audit.js';
import { auditLines } from './audit-lines.js';
import { layoutOf, type Layout } from './layout.js';
import type { ProgramCommand } from './program-command.js';

const RUN = 'run-0a1b2c3d4e';
const log = (origin: string, size: number, cosigners: string[]) => ({
  ...{ origin, size, cosigners },
  root: digest('a'.repeat(64)),
});
const round = (outcome: string, derivation: string | null) => ({ outcome, derivation });
const report: AuditReport = {
  verdict: 'pass',
  findings: [],
  summary: {
    logs: [
      log('demo/coordinator/2026', 77, ['demo/site/a', 'demo/site/b']),
      log('demo/site/a/2026', 38, ['demo/coordinator']),
    ],
    runs: [
      { run: 'run-other00000', approvals: [], quorum: 2, rounds: [round('published', 'attested, not re-derived')] },
      {
        ...{ run: RUN, approvals: [{}, {}], quorum: 2 },
        rounds: [round('abandoned', null), round('published', 're-derived'), round('published', 're-derived')],
      },
    ],
  },
};

let layout: Layout;
beforeEach(async () => void (layout = layoutOf(await mkdtemp(join(tmpdir(), 'consilium-audit-')))));
afterEach(() => rm(layout.root, { recursive: true }));

/** An auditor that answers this; what it was asked is kept. */
function auditor(answer: unknown) {
  const asked: string[][] = [];
  const programCommand: ProgramCommand = async ({ program, args }, _say, listener) => {
    expect(program).toBe('auditor');
    asked.push([...args]);
    if (args[0] === 'fetch') return mkdir(args[4]!, { recursive: true });
    // An exit code other than 0 is an answer where the last line is a report.
    if (!listener?.isAnswer?.(answer)) throw new Fault('PROGRAM_DIED');
    return answer;
  };
  return { asked, ports: { layout, programCommand, say: () => {} } };
}

describe('the audit at the end', () => {
  it('fetches the evidence of the whole state directory, then reports on the copy', async () => {
    const { asked, ports } = auditor(report);
    const bundle = layout.bundle(RUN);
    expect(await auditRun(RUN, ports)).toEqual({ run: RUN, bundle, report });
    expect(asked).toEqual([
      ['fetch', '--state', layout.root, '--out', bundle, '--json'],
      ['report', bundle, '--policy', layout.policy, '--json'],
    ]);
  });

  it('begins with an empty folder, whatever a killed start has left there', async () => {
    await mkdir(layout.bundle(RUN), { recursive: true });
    await writeFile(join(layout.bundle(RUN), 'half'), 'half');
    await auditRun(RUN, auditor(report).ports);
    expect(await readdir(layout.bundle(RUN))).toEqual([]);
  });

  it('answers a failure too: that is what an auditor is for', async () => {
    const finding = { code: 'HISTORY_REWRITTEN', entry: null, expected: 'one root', found: 'another' };
    const failed = { ...report, verdict: 'fail' as const, findings: [finding] };
    expect((await auditRun(RUN, auditor(failed).ports)).report).toEqual(failed);
  });

  it.each([[undefined], [{}], [{ verdict: 'pass' }], [{ ...report, verdict: 'fine' }]])(
    'takes nothing else for a verdict (%j)',
    async (answer) => {
      await expect(auditRun(RUN, auditor(answer).ports)).rejects.toMatchObject({ code: 'PROGRAM_DIED' });
    },
  );

  it('refuses the answer of an auditor that ends well and says nothing', async () => {
    const silent: ProgramCommand = async () => ({});
    await expect(auditRun(RUN, { layout, programCommand: silent, say: () => {} })).rejects.toMatchObject({
      code: 'MESSAGE_MALFORMED',
    });
  });
});

describe('the rounds that were computed again', () => {
  const audit = (of: AuditReport): Audit => ({ run: RUN, bundle: '/srv/demo/audit/run', report: of });

  it('are those of this run that were published', () => {
    expect(derivedRounds(audit(report))).toEqual({ published: 2, derived: 2 });
  });

  it('are none where the run is not in the report, and fewer where some were only attested', () => {
    expect(derivedRounds({ ...audit(report), run: 'run-absent0000' })).toEqual({ published: 0, derived: 0 });
    expect(derivedRounds({ ...audit(report), run: 'run-other00000' })).toEqual({ published: 1, derived: 0 });
  });

  const places = { bundle: 'audit/run', policy: 'policy/policy.json' };
  const lines = (of: AuditReport, colour = false): string[] => auditLines(audit(of), places, 80, paintFor(colour));

  it('stand in what people are told, with the grounds and the command that repeats it', () => {
    expect(lines(report)).toEqual([
      'audit        pass',
      '             2 logs with 115 entries, 3 cosignatures of their last states',
      '             run-0a1b2c3d4e: approved by 2 hospitals',
      '             2 of its 2 rounds computed again from the hospitals’ updates',
      'again, and on another machine from these two alone:',
      '  consilium audit report audit/run --policy policy/policy.json',
    ]);
  });

  it('are told with each finding where there are some, but never with more than ten', () => {
    const finding = { code: 'FILE_ALTERED', entry: 'demo/site/a/2026#3', expected: 'x'.repeat(99), found: '\u001b[2J' };
    const failed: AuditReport = { ...report, verdict: 'fail', findings: Array.from({ length: 12 }, () => finding) };
    const told = lines(failed);
    expect(told[0]).toBe('audit        FAIL, 12 findings');
    expect(told.filter((line) => line.startsWith('FILE_ALTERED at demo/site/a/2026#3:'))).toHaveLength(10);
    expect(told).toContain('and 2 more findings');
    // Nothing that stands in evidence may move the cursor of whoever reads about it.
    expect(told.join('')).not.toContain('\u001b');
  });

  it('say pass in green and fail in red, and nothing else by colour', () => {
    expect(lines(report, true)[0]).toContain('\u001b[32mpass\u001b[39m');
    expect(lines({ ...report, verdict: 'fail' }, true)[0]).toContain('\u001b[31mFAIL\u001b[39m');
    expect(lines(report, true).map((line) => widthOf(line))).toEqual(lines(report).map((line) => widthOf(line)));
  });
});
