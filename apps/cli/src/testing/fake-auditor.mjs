// Stands for the auditor in tests of `consilium up`: it finds what FAKE_VERDICT says, whatever the evidence.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const [command, bundle] = process.argv.slice(2);
const option = (name) => process.argv[process.argv.indexOf(name) + 1];
const { FAKE_VERDICT = 'pass', FAKE_FAIL = '' } = process.env;
if (FAKE_FAIL.startsWith(`${command}:`)) {
  console.error(`consilium: ${FAKE_FAIL.split(':')[1]}: a sentence`);
  process.exit(1);
}

if (command === 'fetch') {
  mkdirSync(option('--out'), { recursive: true });
  writeFileSync(join(option('--out'), 'checkpoint'), 'a checkpoint');
  console.log(JSON.stringify({ files: 1, logs: 1 }));
} else {
  const found = { code: 'HISTORY_REWRITTEN', entry: 'demo/coordinator/2026#3', expected: 'one root', found: 'another' };
  const rounds = [
    { outcome: 'abandoned', derivation: null },
    { outcome: 'published', derivation: 're-derived' },
  ];
  const summary = {
    logs: [{ origin: 'demo/coordinator/2026', size: 12, root: 'a'.repeat(64), cosigners: ['demo/site/hospital-a'] }],
    runs: [{ run: basename(bundle), approvals: [{ site: 'hospital-a' }], quorum: 1, rounds }],
  };
  console.log(
    JSON.stringify({ verdict: FAKE_VERDICT, findings: FAKE_VERDICT === 'pass' ? [] : [found], summary, notes: [] }),
  );
  process.exitCode = FAKE_VERDICT === 'pass' ? 0 : 1;
}
