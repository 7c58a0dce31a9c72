// `npm test`: makes the checkout ready, then runs every test: first the projects' own, then those that start whole
// programs (tests/), one file at a time, so that no test competes with another for the machine. Arguments go to vitest.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

const nightly = process.argv.includes('--nightly');
const given = process.argv.slice(2).filter((word) => word !== '--nightly');

await prepare();
const reports = mkdtempSync(join(tmpdir(), 'consilium-tests-'));
const total = { passed: 0, failed: 0, skipped: 0 };
const stages = nightly
  ? [['nightly', ['--config', 'tests/vitest.nightly.config.ts']]]
  : given.length
    ? [['chosen', given]]
    : [
        ['projects', ['--project', '!tests']],
        ['tests', ['--project', 'tests', '--no-file-parallelism']],
      ];
let ok = true;
for (const [name, args] of stages) ok = (await vitest(name, args)) && ok;
rmSync(reports, { recursive: true, force: true });
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`);
process.exitCode = ok && total.failed === 0 ? 0 : 1;

async function vitest(name, args) {
  const file = join(reports, `${name}.json`);
  const program = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const code = await new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [program, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...args],
      { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, NX_DAEMON: 'false' } },
    );
    child.on('error', () => resolve(1));
    child.on('exit', (exit) => resolve(exit ?? 1));
  });
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    total.passed += report.numPassedTests;
    total.failed += report.numFailedTests + (report.success || report.numFailedTests ? 0 : 1);
    total.skipped += report.numPendingTests + report.numTodoTests;
  } catch {
    total.failed += 1;
  }
  return code === 0;
}
