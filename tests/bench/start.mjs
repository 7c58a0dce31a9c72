// How soon `npm start` shows life: on a built tree and a fresh state, from the command to the first line that names a
// started process, to the first committed round, what of that passes while four hospitals join (with their images still
// being made beside it), and what the coordinator's memory peaks at.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../tools/prepare.mjs';
import { median, repeat } from './median.mjs';

const STARTED = /\bstarted .*\(process \d+\)/;
const SERVES = /\bCoordinator: serves /;
const ENROLLED = /\bEnrolment: 4 hospitals joined/;
const ROUND = /\bround 1 of \d+: \d+ sites/;

export async function measure(say) {
  const runs = await repeat(5, async (i) => {
    const run = await once();
    say(
      `start ${i + 1}: first line ${run.firstLine.toFixed(2)} s, enrolment ${run.enrolment.toFixed(1)} s, first round ${run.firstRound.toFixed(1)} s, coordinator ${(run.rss / 1e6).toFixed(0)} MB`,
    );
    return run;
  });
  const empty = await repeat(5, () => seconds('npm', ['--version']));
  const pick = (name) => median(runs.map((run) => run[name]));
  const npm = { name: 'npm --version', value: median(empty) };
  return [
    { id: 'start.first-line', value: pick('firstLine'), unit: 's', better: 'lower', reference: npm },
    { id: 'start.enrolment', value: pick('enrolment'), unit: 's', better: 'lower', reference: npm },
    { id: 'start.first-round', value: pick('firstRound'), unit: 's', better: 'lower', reference: npm },
    { id: 'coordinator.rss', value: pick('rss'), unit: 'B', better: 'lower', reference: null },
  ];
}

/** One federation of two rounds, timed from outside by the lines it prints. */
async function once() {
  const state = mkdtempSync(join(tmpdir(), 'consilium-bench-'));
  const begun = performance.now();
  const since = () => (performance.now() - begun) / 1000;
  const seen = {};
  let output = '';
  const child = spawn('npm', ['start', '--silent', '--', '--once', '--json', '--rounds', '2', '--state', state], {
    cwd: root,
  });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
      if (STARTED.test(output)) seen.firstLine ??= since();
      if (SERVES.test(output)) seen.serves ??= since();
      if (ENROLLED.test(output)) seen.enrolled ??= since();
      if (ROUND.test(output)) seen.firstRound ??= since();
    });
  const code = await new Promise((resolve) => child.on('exit', resolve));
  rmSync(state, { recursive: true, force: true });
  if (code !== 0) throw new Error(`npm start ended with ${code}:\n${output}`);
  const result = JSON.parse(output.trim().split('\n').at(-1));
  return { ...seen, enrolment: seen.enrolled - seen.serves, rss: result.coordinatorPeakRssBytes };
}

function seconds(command, args) {
  const begun = performance.now();
  return new Promise((resolve) => {
    spawn(command, args, { stdio: 'ignore' }).on('exit', () => resolve((performance.now() - begun) / 1000));
  });
}
