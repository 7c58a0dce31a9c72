// Stands for the agent in tests of `consilium up`: the same command line, no images and no training.
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const [command, what] = process.argv.slice(2);
const option = (name) => process.argv[process.argv.indexOf(name) + 1];
const every = (name) => process.argv.filter((_, i) => process.argv[i - 1] === name);
const print = (value) => console.log(JSON.stringify(value));

const { FAKE_FAIL = '', FAKE_DEATHS = '' } = process.env;
if (FAKE_FAIL.startsWith(`${command}:`)) {
  console.error(`consilium: ${FAKE_FAIL.split(':')[1]}: a sentence`);
  process.exit(1);
}

const about = (value) => ({ value, low: value - 0.01, high: value + 0.01 });
const metrics = (auc) => ({
  ...{ loss: about(0.5), auc: about(auc), accuracy: about(0.8) },
  ...{ sensitivity: about(0.8), specificity: about(0.8), brier: about(0.1), examples: 250 },
});

if (command === 'serve') {
  process.on('SIGTERM', () => process.exit(0));
  process.on('disconnect', () => process.exit(0));
  process.send({ ready: true });
  setInterval(() => {}, 1_000);
  if (FAKE_DEATHS) setTimeout(() => process.exit(9), 20);
} else if (command === 'join') {
  joinFederation();
} else if (command === 'data' && what === 'phantom') {
  writeFileSync(join(option('--out'), 'labels.csv'), option('--hospital'));
} else if (command === 'data') {
  for (const site of option('--sites').split(',')) mkdirSync(join(option('--out'), site));
} else if (command === 'status') {
  print({ engine: { name: 'wasm' } });
} else {
  const name = option('--name');
  print({ progress: { round: 1, rounds: 2, step: 5, steps: 10, loss: 0.5 } });
  const auc = command === 'evaluate' ? 0.85 : process.argv.includes('--name') ? 0.7 : 0.9;
  print({
    name,
    tests: Object.fromEntries(every('--test').map((text) => [text.split('=')[0], metrics(auc)])),
    examples: 100,
  });
}

/** Waits to be admitted by the fake coordinator; the key comes from the test, which knows its six words. */
function joinFederation() {
  const folder = dirname(option('--settings'));
  const site = basename(folder);
  const root = join(folder, '..', '..');
  const desk = join(root, 'coordinator', 'state', 'desk');
  const { signing, words, file } = JSON.parse(process.env.FAKE_KEYS)[site];
  const waiting = { site, kind: 'join', signing, jurisdiction: 'DE', askedMs: 1 };
  mkdirSync(desk, { recursive: true });
  if (!existsSync(join(desk, `${site}.admitted`))) {
    writeFileSync(join(desk, `${site}.json`), JSON.stringify(waiting));
    print({ state: 'pending', site, words: process.env.FAKE_WORDS ?? words });
  }
  const asking = setInterval(() => {
    if (!existsSync(join(desk, `${site}.admitted`))) return;
    clearInterval(asking);
    const identity = join(folder, 'state', 'identity');
    mkdirSync(identity, { recursive: true });
    writeFileSync(join(identity, 'signing.key'), file, { mode: 0o600 });
    copyFileSync(join(root, 'pki', 'root.pem'), join(identity, 'certificate.pem'));
    print({ state: 'admitted', words });
    process.exit(0);
  }, 10);
  process.on('SIGTERM', () => process.exit(130));
  process.on('disconnect', () => process.exit(130));
}
