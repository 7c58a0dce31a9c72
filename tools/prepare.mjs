// Makes a checkout ready to run: installs, generates and builds what is missing or out of date, and nothing else.
// It must work before anything is installed, so it uses Node alone.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);
const STAMP = at('node_modules', '.cache', 'consilium', 'build');

/** Everything that the build reads. */
const SOURCES = [
  'apps',
  'libs',
  'protos',
  'prisma',
  'tools',
  'package-lock.json',
  'tsconfig.base.json',
  'tsconfig.json',
];
const NOT_SOURCES = new Set(['node_modules', 'dist', 'generated', 'templates', 'README.md']);

/** Installs when `node_modules` is missing or older than the lock file, then builds when a source changed. */
export async function prepare() {
  refuseOldNode();
  if (!installed()) {
    say('installing packages (npm ci)');
    await npm('ci');
  }
  const state = sourceState();
  if (isBuilt() && readFileSync(STAMP, 'utf8') === state) return;
  say('building');
  await node(at('tools', 'generate-protos.mjs'));
  await node(at('tools', 'prisma', 'generate.mjs'));
  await node(at('node_modules', 'typescript', 'bin', 'tsc'), '--build', at('tsconfig.json'));
  await node(at('tools', 'prepare-database.mjs'));
  mkdirSync(dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, state);
}

function refuseOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19)) return;
  console.error(`consilium: Node ${process.versions.node} is too old: install Node 20.19+, 22.12+ or 24.`);
  process.exit(1);
}

/** npm writes `.package-lock.json` as the last act of an install, so a half-done install counts as missing. */
function installed() {
  const mark = at('node_modules', '.package-lock.json');
  return existsSync(mark) && statSync(mark).mtimeMs >= statSync(at('package-lock.json')).mtimeMs;
}

/** Whether a build ended here and what it made is still there. */
function isBuilt() {
  return existsSync(STAMP) && existsSync(at('apps', 'coordinator', 'dist', 'main.js'));
}

/** A digest over path, size and time of each source: cheap enough for every start. */
function sourceState() {
  const hash = createHash('sha256').update(process.versions.node.split('.')[0]);
  const visit = (path) => {
    const stat = statSync(path);
    if (!stat.isDirectory()) return hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`);
    for (const name of readdirSync(path).sort()) if (!NOT_SOURCES.has(name)) visit(join(path, name));
  };
  for (const source of SOURCES) visit(at(source));
  return hash.digest('hex');
}

/** Runs a Node program in the repository and waits; its failure ends ours. Progress goes to standard error. */
export function node(...args) {
  return run(process.execPath, args);
}

function npm(...args) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith('.js') ? run(process.execPath, [cli, ...args]) : run('npm', args);
}

function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 2, 2],
      env: { ...process.env, NX_DAEMON: 'false' },
    });
    child.on('error', () => fail(command));
    child.on('exit', (code) => (code === 0 ? resolve() : fail([command, ...args].join(' '))));
  });
}

function fail(what) {
  console.error(`consilium: this step failed: ${what.replaceAll(root + '/', '')}`);
  process.exit(1);
}

function say(text) {
  console.error(`consilium: ${text} …`);
}
