import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONSILIUM, Program, root } from '../harness/program.js';
import { meanAucs, type UpResult } from '../harness/up-result.js';

const data = resolve(root, process.env['CONSILIUM_DATA'] ?? '../shared/data');
const breast = join(data, 'medmnist/breastmnist.npz');
const SEEDS = [1, 2, 3];

const run = async (...options: string[]): Promise<UpResult> => {
  const state = mkdtempSync(join(tmpdir(), 'consilium-nightly-'));
  try {
    const program = Program.node(CONSILIUM, ['up', '--once', '--json', '--state', state, ...options]);
    expect(await program.exit(900_000), program.output).toBe(0);
    return JSON.parse(program.output.trim().split('\n').at(-1)!) as UpResult;
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
};

/** Runs the study for each seed, prints every figure and gives the means. */
async function study(
  ...options: string[]
): Promise<{ federated: number; local: number; pooled: number; results: UpResult[] }> {
  const results: UpResult[] = [];
  for (const seed of SEEDS) results.push(await run('--seed', String(seed), ...options));
  const figures = results.map(meanAucs);
  const mean = (pick: (figure: (typeof figures)[number]) => number): number =>
    figures.reduce((sum, figure) => sum + pick(figure), 0) / figures.length;
  const means = { federated: mean((f) => f.federated), local: mean((f) => f.local), pooled: mean((f) => f.pooled) };
  console.log(
    JSON.stringify({ study: results[0]!.study, figures, means, seconds: results.map((result) => result.seconds) }),
  );
  return { ...means, results };
}

describe('what the federation learns', () => {
  it('lung nodules: no hospital alone comes near the model of all', async () => {
    const { federated, local, pooled, results } = await study();
    expect(federated).toBeGreaterThanOrEqual(0.8);
    expect(federated - local).toBeGreaterThanOrEqual(0.05);
    expect(pooled).toBeGreaterThanOrEqual(0.85);
    expect(pooled).toBeLessThanOrEqual(0.97);
    for (const result of results) expect(result.coordinatorPeakRssBytes).toBeLessThanOrEqual(600e6);
  });

  it.skipIf(!existsSync(breast))('breast ultrasound on real images (skipped where BreastMNIST is absent)', async () => {
    const { federated, local, results } = await study('--study', 'breast-ultrasound', '--data', breast);
    expect(federated).toBeGreaterThanOrEqual(0.8);
    expect(federated - local).toBeGreaterThanOrEqual(0.05);
    for (const result of results) expect(result.rounds).toBeLessThanOrEqual(60);
    const again = await run('--seed', '1', '--study', 'breast-ultrasound', '--data', breast);
    expect(again.modelDigest).toBe(results[0]!.modelDigest);
  });
});
