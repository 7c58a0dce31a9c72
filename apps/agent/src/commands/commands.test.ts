import { spawn } from 'node:child_process';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { decodeSafetensors, encodeSafetensors } from '@consilium/weights';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AGENT, BUILT_MAIN } from '../build.fixture.js';
import { modelOf, planDocument, planOf } from '../plan.fixture.js';

// Whole processes beside whatever else this machine runs: the bound is for what hangs, not for what is slow.
vi.setConfig({ testTimeout: 180_000 });

/** The built commands on real folders, as `consilium up` calls them. */
const BREAST = resolve(AGENT, '../..', process.env['CONSILIUM_DATA'] ?? '../shared/data', 'medmnist/breastmnist.npz');
const hasBreast = await access(BREAST).then(
  () => true,
  () => false,
);

let folder: string;
let plan: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commands-'));
  plan = join(folder, 'plan.json');
  await writeFile(
    plan,
    JSON.stringify({
      ...planDocument,
      training: { ...planDocument.training, localSteps: 10 },
      rounds: { ...planDocument.rounds, count: 2 },
    }),
  );
  await phantom('a', '1', 'a');
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

function agent(args: readonly string[], interruptAt?: RegExp) {
  const child = spawn(process.execPath, [BUILT_MAIN, ...args], { cwd: folder });
  let [out, err] = ['', ''];
  let times = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    if (interruptAt?.test(out) && times++ === 0) child.kill('SIGINT');
  });
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return new Promise<{
    exit: number | null;
    lines: Record<string, unknown>[];
    last: Record<string, unknown>;
    err: string;
  }>((done) => {
    child.once('close', (exit) => {
      const lines = out
        .split('\n')
        .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []));
      done({ exit, lines, last: lines.at(-1) ?? {}, err });
    });
  });
}
const phantom = (hospital: string, seed: string, out: string) =>
  agent([
    'data',
    'phantom',
    '--study',
    'lung-nodule',
    '--hospital',
    hospital,
    '--site',
    `site-${hospital}`,
    '--seed',
    seed,
    '--out',
    out,
    '--json',
  ]);

describe('agent data', () => {
  it('writes the same synthetic patients for the same seed, and others for another', async () => {
    await Promise.all([phantom('a', '1', 'again'), phantom('a', '2', 'other')]);
    const first = async (name: string): Promise<Buffer> =>
      readFile(join(folder, name, 'images', (await readdir(join(folder, name, 'images'))).sort()[0]!));
    expect((await first('again')).equals(await first('a'))).toBe(true);
    expect((await first('other')).equals(await first('a'))).toBe(false);
  });

  it('refuses a hospital that there is not', async () => {
    expect(await phantom('z', '1', 'none')).toMatchObject({ exit: 2, last: { error: { code: 'USAGE' } } });
  });

  it('looks into a folder by a plan: counts and a digest, and no patient', async () => {
    const { exit, last } = await agent(['data', 'inspect', '--plan', plan, '--data', 'a', '--json']);
    expect(exit).toBe(0);
    expect(Object.keys(last).sort()).toEqual(['digest', 'format', 'test', 'train']);
    expect(last['test']).toMatchObject({ examples: 250, positives: 125 });
  });

  it('names what is wrong with a folder by its code', async () => {
    expect(await agent(['data', 'inspect', '--plan', plan, '--data', 'nowhere', '--json'])).toMatchObject({
      exit: 1,
      last: { error: { code: 'DATA_UNREADABLE' } },
    });
  });

  it.skipIf(!hasBreast)(
    'divides BreastMNIST as the study says (skipped where the data are absent)',
    async () => {
      const { exit } = await agent([
        'data',
        'partition',
        '--npz',
        BREAST,
        '--sites',
        'a,b,c,d',
        '--seed',
        '1',
        '--out',
        'breast',
        '--json',
      ]);
      expect(exit).toBe(0);
      const breast = join(folder, 'breast.json');
      await writeFile(
        breast,
        JSON.stringify({ ...planDocument, task: { kind: 'binary-classification', classes: ['benign', 'malignant'] } }),
      );
      const counts = [];
      for (const site of ['a', 'b', 'c', 'd']) {
        const { last } = await agent(['data', 'inspect', '--plan', breast, '--data', `breast/${site}`, '--json']);
        counts.push([
          (last['train'] as { examples: number }).examples,
          (last['test'] as { examples: number }).examples,
        ]);
      }
      expect(counts).toEqual([
        [110, 156],
        [120, 156],
        [140, 156],
        [175, 156],
      ]);
    },
    60_000,
  );
});

describe('agent train and evaluate', () => {
  it('train a model that evaluate then measures the same', async () => {
    const trained = await agent([
      'train',
      '--plan',
      plan,
      '--data',
      'a',
      '--test',
      'here=a',
      '--out',
      'model.safetensors',
      '--json',
    ]);
    expect(trained.exit).toBe(0);
    expect(trained.lines[0]).toMatchObject({ progress: { round: 1, rounds: 2, steps: 10 } });
    expect(trained.last).toMatchObject({
      tests: { here: { examples: 250, auc: { value: expect.any(Number) } } },
      modelDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const measured = await agent([
      'evaluate',
      '--model',
      'model.safetensors',
      '--plan',
      plan,
      '--test',
      'here=a',
      '--json',
    ]);
    expect(measured.last).toEqual({ tests: trained.last['tests'], modelDigest: trained.last['modelDigest'] });
    expect(decodeSafetensors(await readFile(join(folder, 'model.safetensors'))).values).not.toEqual(
      modelOf(planOf()).values,
    );
  });

  it('repeat themselves bit for bit, and follow the seed', async () => {
    const digest = async (...more: string[]) =>
      (await agent(['train', '--plan', plan, '--data', 'a', '--json', ...more])).last['modelDigest'];
    const first = await digest();
    expect(await digest()).toBe(first);
    expect(await digest('--seed', '8')).not.toBe(first);
    expect(await digest('--name', 'site-a')).not.toBe(first);
  });

  it('refuse a model of another plan', async () => {
    const other = planOf({
      model: {
        layers: planDocument.model.layers.map((layer) => (layer.type === 'conv2d' ? { ...layer, filters: 3 } : layer)),
      },
    });
    await writeFile(join(folder, 'other.safetensors'), encodeSafetensors(modelOf(other)));
    const { exit, last } = await agent([
      'evaluate',
      '--model',
      'other.safetensors',
      '--plan',
      plan,
      '--test',
      'here=a',
      '--json',
    ]);
    expect([exit, last]).toEqual([1, { error: expect.objectContaining({ code: 'WEIGHTS_MISMATCH' }) }]);
  });

  it('end with 130 at Ctrl-C, in the middle of training', async () => {
    const long = join(folder, 'long.json');
    await writeFile(
      long,
      JSON.stringify({ ...planDocument, training: { ...planDocument.training, localSteps: 50_000 } }),
    );
    const { exit } = await agent(['train', '--plan', long, '--data', 'a', '--json'], /"progress"/);
    expect(exit).toBe(130);
  });
});
