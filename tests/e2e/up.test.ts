import { Ajv2020 } from 'ajv/dist/2020.js';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONSILIUM, Program, root, until } from '../harness/program.js';
import type { UpResult } from '../harness/up-result.js';

const isResult = new Ajv2020().compile(
  JSON.parse(readFileSync(join(root, 'apps/cli/schemas/up-result.schema.json'), 'utf8')),
);
const lastLine = (text: string): string => text.trim().split('\n').at(-1)!;

/** The largest file of a folder, so that a byte in its middle is one that counts. */
function largestIn(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => join(folder, path))
    .filter((path) => statSync(path).isFile());
  return files.sort((a, b) => statSync(b).size - statSync(a).size)[0]!;
}

describe('consilium up', () => {
  const states: string[] = [];
  const freshState = (): string => {
    const state = mkdtempSync(join(tmpdir(), 'consilium-up-'));
    states.push(state);
    return state;
  };
  const up = (state: string, ...more: string[]): Program =>
    Program.node(CONSILIUM, ['up', '--once', '--json', '--sites', '2', '--rounds', '2', '--state', state, ...more]);
  const result = (program: Program): UpResult => JSON.parse(lastLine(program.output)) as UpResult;

  let first: UpResult;
  let firstOutput: string;
  const firstRun = (): string => /run-[0-9a-z]{10,26}/.exec(firstOutput)![0];
  const state = freshState();
  beforeAll(async () => {
    const program = up(state);
    expect(await program.exit(), program.output).toBe(0);
    first = result(program);
    firstOutput = program.output;
  });
  // With patience: what was killed ends its own programs some moments later.
  afterAll(() =>
    states.forEach((path) => rmSync(path, { recursive: true, force: true, maxRetries: 12, retryDelay: 100 })),
  );

  it('ends with one line of JSON that fits its published schema', () => {
    expect(isResult(first), JSON.stringify(isResult.errors)).toBe(true);
    expect(first).toMatchObject({ study: 'lung-nodule', seed: 1, engine: 'onnx', rounds: 2 });
    expect(first.sites.map((site) => site.name)).toEqual(['hospital-a', 'hospital-b']);
  });

  it('gives each hospital its own, the federated and the pooled figure, and the external hospital too', () => {
    for (const site of first.sites) {
      for (const auc of [site.localAuc, site.federatedAuc, site.pooledAuc]) expect(auc).toBeGreaterThan(0);
      expect(site.examples).toBeGreaterThan(100);
      expect(site.bytesUp).toBeGreaterThan(1000);
      expect(site.bytesDown).toBeGreaterThan(1000);
    }
    expect(first.external).toMatchObject({
      localAucMean: expect.any(Number),
      federatedAuc: expect.any(Number),
      pooledAuc: expect.any(Number),
    });
  });

  it('leaves no program running and no image outside the hospitals’ folders', () => {
    for (const file of readdirSync(join(state, 'run')).filter((name) => name.endsWith('.pid')))
      expect(existsSync(`/proc/${readFileSync(join(state, 'run', file), 'utf8').trim()}`)).toBe(false);
    const images = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.dcm'));
    expect(images.length).toBeGreaterThan(100);
    expect(images.filter((path) => !path.startsWith('data/'))).toEqual([]);
  });

  it('the published model has exactly the digest that was printed, and names nobody', async () => {
    const { createHash } = await import('node:crypto');
    const files = readdirSync(join(state, 'coordinator'), { recursive: true, encoding: 'utf8' });
    const bytes = readFileSync(
      join(
        state,
        'coordinator',
        files.find((path) => path.includes(first.modelDigest))!,
      ),
    );
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(first.modelDigest);
    expect(bytes.subarray(0, 4096).toString('latin1')).not.toMatch(/hospital|run-|20[0-9]{2}-/);
  });

  it('says what an auditor found: a pass, with every round computed again', () => {
    expect(first.audit).toEqual({ verdict: 'pass', findings: [], bundle: join(state, 'audit', firstRun()) });
    expect(firstOutput).toContain('2 of its 2 rounds computed again from the hospitals’ updates');
  });

  it('has the verdict repeated from the evidence alone, and not from evidence of which one byte is another', async () => {
    const report = async (bundle: string): Promise<{ exit: number; verdict: string; findings: unknown[] }> => {
      const policy = join(state, 'policy', 'policy.json');
      const program = Program.node(CONSILIUM, ['audit', 'report', bundle, '--policy', policy, '--json']);
      const exit = await program.exit();
      return { exit, ...(JSON.parse(lastLine(program.output)) as { verdict: string; findings: unknown[] }) };
    };
    const copy = join(freshState(), 'bundle');
    cpSync(first.audit.bundle, copy, { recursive: true });
    expect(await report(copy)).toMatchObject({ exit: 0, verdict: 'pass', findings: [] });
    for (const kind of ['logs/demo/coordinator', 'logs/demo/site/hospital-b', 'documents', 'retained', 'models']) {
      const file = largestIn(join(copy, kind));
      const bytes = readFileSync(file);
      const flipped = Buffer.from(bytes);
      flipped[bytes.length >> 1]! ^= 1;
      writeFileSync(file, flipped);
      const { exit, verdict, findings } = await report(copy);
      expect({ kind, exit, verdict }).toEqual({ kind, exit: 1, verdict: 'fail' });
      expect(findings.length).toBeGreaterThan(0);
      writeFileSync(file, bytes);
    }
  });

  it('goes on without enrolling anybody again, and audits the longer history against what it saw before', async () => {
    const again = up(state);
    expect(await again.exit(), again.output).toBe(0);
    expect(again.output).toContain('Enrolment: 2 hospitals as before');
    expect(again.output).not.toMatch(/enrolment of|admitted/);
    expect(result(again).audit.verdict).toBe('pass');
    expect(result(again).modelDigest).toBe(first.modelDigest);
    const policy = JSON.parse(readFileSync(join(state, 'policy', 'policy.json'), 'utf8')) as { checkpoints: unknown[] };
    expect(policy.checkpoints).toHaveLength(3);
  });

  it('gives the same model again for the same seed in another place, and another for another seed', async () => {
    const again = up(freshState());
    expect(await again.exit(), again.output).toBe(0);
    expect(result(again).modelDigest).toBe(first.modelDigest);
    const other = up(freshState(), '--seed', '2');
    expect(await other.exit(), other.output).toBe(0);
    expect(result(other).modelDigest).not.toBe(first.modelDigest);
  });

  it('goes on where it was killed itself, while hospitals joined and then in the middle of a run', async () => {
    const place = freshState();
    const killedAt = async (words: RegExp): Promise<void> => {
      const program = up(place, '--rounds', '3');
      await until(() => (words.test(program.output) ? true : undefined), String(words));
      await program.kill();
    };
    await killedAt(/started enrolment of hospital-a/);
    await killedAt(/admitted hospital-[ab]/);
    await killedAt(/round 1 of/);
    const resumed = up(place, '--rounds', '3');
    expect(await resumed.exit(), resumed.output).toBe(0);
    expect(resumed.output).toContain('Enrolment: 2 hospitals as before');
    expect(resumed.output).toMatch(/goes on with run-/);
    expect(result(resumed)).toMatchObject({ rounds: 3, audit: { verdict: 'pass', findings: [] } });
  });

  it('refuses a second federation on the same state directory', async () => {
    const place = freshState();
    const serving = up(place);
    await until(() => (serving.output.includes('coordinator') ? true : undefined), 'a started coordinator');
    const second = up(place);
    expect(await second.exit()).toBe(1);
    expect(second.output).toContain('STATE_LOCKED');
    await serving.stop();
  });

  it('Ctrl-C stops everything in order, with the exit code of an interruption', async () => {
    const place = freshState();
    const program = up(place);
    await until(() => (/agent|hospital-a/.test(program.output) ? true : undefined), 'a started agent');
    program.child.kill('SIGINT');
    expect(await program.exit(20_000)).toBe(130);
    for (const file of readdirSync(join(place, 'run')).filter((name) => name.endsWith('.pid')))
      expect(existsSync(`/proc/${readFileSync(join(place, 'run', file), 'utf8').trim()}`)).toBe(false);
  });

  it('breast ultrasound asks for its data', async () => {
    const program = up(freshState(), '--study', 'breast-ultrasound');
    expect(await program.exit()).toBe(2);
    expect(program.output).toContain('--data');
  });
});
