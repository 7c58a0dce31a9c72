import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bundle } from '../../apps/auditor/src/bundle/bundle.js';
import { writeBundle } from '../../apps/auditor/src/bundle/folder.js';
import { randomFlips, type Flip } from '../../apps/auditor/src/testing/flips.fixture.js';
import { CONSILIUM, root } from './program.js';

/** The second verifier: Python's standard library and the openssl command. */
export const VERIFY = join(root, 'tests/vectors/verify.py');

export const hasPython = [
  ['python3', '--version'],
  ['openssl', 'version'],
].every(([program, ...args]) => spawnSync(program!, args).status === 0);

export interface Verdict {
  readonly verdict: 'pass' | 'fail';
  readonly findings: readonly { readonly code: string }[];
}

/** A bundle and its policy in a folder of their own. */
export async function onDisk(
  bundle: Bundle,
  policy: object,
): Promise<{ folder: string; bundle: string; policy: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'consilium-verifiers-'));
  const paths = { folder, bundle: join(folder, 'bundle'), policy: join(folder, 'policy.json') };
  await writeBundle(bundle, paths.bundle);
  writeFileSync(paths.policy, JSON.stringify(policy));
  return paths;
}

async function run(command: string, args: readonly string[]): Promise<{ code: number; out: string }> {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = await new Promise<number>((resolve) => child.on('exit', (exit) => resolve(exit ?? 128)));
  return { code, out };
}

async function verdictOf(command: string, args: readonly string[]): Promise<Verdict> {
  const { code, out } = await run(command, args);
  const verdict = JSON.parse(out.trim().split('\n').at(-1)!) as Verdict;
  if (code !== (verdict.verdict === 'pass' ? 0 : 1))
    throw new Error(`exit code ${code} with verdict ${verdict.verdict}`);
  return verdict;
}

export const auditReport = (bundle: string, policy: string | null, wrap: readonly string[] = []): Promise<Verdict> => {
  const command = [...wrap, process.execPath, CONSILIUM, 'audit', 'report', bundle, '--json'];
  const whole = policy === null ? command : [...command, '--policy', policy];
  return verdictOf(whole[0]!, whole.slice(1));
};

export const pythonReport = (bundle: string, policy: string | null): Promise<Verdict> =>
  verdictOf('python3', [VERIFY, bundle, ...(policy === null ? [] : ['--policy', policy])]);

/** Flips bits one at a time in the Python verifier's memory and answers those that it does not find. */
export async function unseenByPython(
  bundle: Bundle,
  { folder, bundle: path, policy }: { folder: string; bundle: string; policy: string },
  count: number,
  seed: number,
  script = VERIFY,
): Promise<readonly Flip[]> {
  const flips = await randomFlips(bundle, count, seed);
  const file = join(folder, 'mutations.json');
  writeFileSync(file, JSON.stringify(flips.map((flip) => [flip.path, flip.bit])));
  const { out } = await run('python3', [script, path, '--policy', policy, '--mutations', file]);
  const codes = JSON.parse(out) as (string | null)[];
  if (codes.length !== count) throw new Error(`${codes.length} answers for ${count} flips`);
  return flips.filter((_, i) => codes[i] === null);
}
