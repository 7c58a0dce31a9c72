import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@consilium/stdx';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { metricsOf, MODEL_DIGEST } from '../testing/run.fixture.js';
import { paintFor } from '../text/colour.js';
import { baselineBoard, remainingMs } from './baseline-board.js';
import { baselineJobs, runBaselines, shareOf, type BaselineJob, type BaselineProgress } from './baselines.js';
import { dataFolders } from './data.js';

let cache: string;
beforeEach(async () => void (cache = await mkdtemp(join(tmpdir(), 'consilium-baselines-'))));
afterEach(() => rm(cache, { recursive: true }));

const order = (study: 'lung-nodule' | 'breast-ultrasound' = 'lung-nodule') => ({
  sites: ['a', 'b'],
  folders: dataFolders('/d', study),
  planFile: '/p/plan.json',
  modelFile: '/m/model.safetensors',
  modelDigest: MODEL_DIGEST,
  engine: 'wasm',
  sandbox: 'on',
});

/** Stands for the agent: an AUC for each test that the arguments name. */
const fake =
  (asked: string[] = []) =>
  (job: BaselineJob, onLine: (value: unknown) => void): Promise<unknown> => {
    asked.push(job.name);
    onLine({ progress: { round: 1, rounds: 2, step: 5, steps: 10, loss: 0.5 } });
    const names = job.args.filter((_, i) => job.args[i - 1] === '--test').map((text) => text.split('=')[0]!);
    return Promise.resolve({
      tests: Object.fromEntries(names.map((name) => [name, metricsOf(job.name.startsWith('local') ? 0.6 : 0.8)])),
      examples: 9,
    });
  };

describe('what is trained for the comparison', () => {
  it('is each hospital’s own model, measured where it was trained', () => {
    const { local } = baselineJobs(order());
    expect(local.map((job) => job.args.join(' '))).toEqual([
      'train --plan /p/plan.json --name a --data /d/a --test a=/d/a --test external=/d/external-at-a --engine wasm --sandbox on --json',
      'train --plan /p/plan.json --name b --data /d/b --test b=/d/b --test external=/d/external-at-b --engine wasm --sandbox on --json',
    ]);
  });

  it('never takes one hospital’s model or images to another', () => {
    const { local } = baselineJobs(order());
    expect(local[0]!.args.join(' ')).not.toMatch(/\/d\/(b|external-at-b)\b/);
    // The control: the pooled model does what no federation may.
    expect(baselineJobs(order()).pooled.args.join(' ')).toMatch(/\/d\/b\b/);
  });

  it('is one model of all images together, measured everywhere', () => {
    expect(baselineJobs(order()).pooled.args.join(' ')).toBe(
      'train --plan /p/plan.json --data /d/a --data /d/b --test a=/d/a --test b=/d/b --test external=/d/external --engine wasm --sandbox on --json',
    );
  });

  it('shares plan, engine and sandbox in all', () => {
    const { local, pooled } = baselineJobs(order());
    for (const { args } of [...local, pooled])
      expect(args.join(' ')).toMatch(/^train --plan \/p\/plan\.json .* --engine wasm --sandbox on --json$/);
  });

  it('measures the federated model at the external hospital', () => {
    expect(baselineJobs(order()).external!.args.join(' ')).toBe(
      'evaluate --model /m/model.safetensors --plan /p/plan.json --test external=/d/external --engine wasm --sandbox on --json',
    );
  });

  it('has nothing external in a study without it', () => {
    const { local, pooled, external } = baselineJobs(order('breast-ultrasound'));
    expect(external).toBeUndefined();
    expect([...local, pooled].flatMap((job) => job.args).join(' ')).not.toContain('external');
  });
});

describe('running the comparison', () => {
  it('answers each model’s measures', async () => {
    const { local, pooled, federatedExternal } = await runBaselines(order(), cache, fake(), () => {});
    expect(local['a']!.tests['a']!.auc!.value).toBe(0.6);
    expect(Object.keys(pooled.tests)).toEqual(['a', 'b', 'external']);
    expect(federatedExternal!.auc!.value).toBe(0.8);
  });

  it('keeps each result, and does nothing twice', async () => {
    const first = await runBaselines(order(), cache, fake(), () => {});
    expect((await readdir(cache)).sort()).toEqual([
      `federated-${MODEL_DIGEST.slice(0, 16)}.json`,
      'local-a.json',
      'local-b.json',
      'pooled.json',
    ]);
    const asked: string[] = [];
    expect(await runBaselines(order(), cache, fake(asked), () => {})).toEqual(first);
    expect(asked).toEqual([]);
  });

  it('keeps what was done before a failure', async () => {
    const breaking = (job: BaselineJob, onLine: (value: unknown) => void): Promise<unknown> =>
      job.name === 'local-b' ? Promise.reject(new Fault('TRAINING_DIED')) : fake()(job, onLine);
    await expect(runBaselines(order(), cache, breaking, () => {})).rejects.toMatchObject({ code: 'TRAINING_DIED' });
    const asked: string[] = [];
    await runBaselines(order(), cache, fake(asked), () => {});
    expect(asked).toContain('local-b');
    expect(asked).not.toContain('pooled');
  });

  it('measures another federated model again, and only that', async () => {
    await runBaselines(order(), cache, fake(), () => {});
    const asked: string[] = [];
    await runBaselines({ ...order(), modelDigest: 'b'.repeat(64) }, cache, fake(asked), () => {});
    expect(asked).toEqual([`federated-${'b'.repeat(16)}`]);
  });

  it('measures again what it cannot read', async () => {
    await runBaselines(order(), cache, fake(), () => {});
    await writeFile(join(cache, 'pooled.json'), '{"tests":{"a":{}}}');
    await writeFile(join(cache, 'local-a.json'), '{');
    const asked: string[] = [];
    await runBaselines(order(), cache, fake(asked), () => {});
    expect(asked.sort()).toEqual(['local-a', 'pooled']);
    expect(JSON.parse(await readFile(join(cache, 'local-a.json'), 'utf8'))).toHaveProperty('tests.external');
  });

  it('refuses an answer of another form', async () => {
    await expect(
      runBaselines(
        order(),
        cache,
        () => Promise.resolve({ tests: 'good' }),
        () => {},
      ),
    ).rejects.toMatchObject({
      code: 'MESSAGE_MALFORMED',
      facts: { program: expect.stringMatching(/^(?:pooled|local-a)$/) as string },
    });
  });

  it('tells how far each is, and never goes back', async () => {
    const told: (readonly BaselineProgress[])[] = [];
    await runBaselines(order(), cache, fake(), (jobs) => told.push(jobs));
    expect(told.at(-1)!.every((job) => job.share === 1)).toBe(true);
    expect(told[0]!.map((job) => job.title)).toEqual([
      'all images pooled',
      'a alone',
      'b alone',
      'federated, external',
    ]);
    for (const [i, jobs] of told.slice(1).entries())
      for (const [j, job] of jobs.entries()) expect(job.share).toBeGreaterThanOrEqual(told[i]![j]!.share);
  });
});

describe('the share of a training', () => {
  const line = (round: number, step: number) => ({ progress: { round, rounds: 4, step, steps: 10, loss: null } });

  it('counts rounds and steps', () => {
    expect(shareOf(line(1, 0))).toBe(0);
    expect(shareOf(line(3, 5))).toBeCloseTo(0.99 * 0.625, 10);
  });

  it('is whole only when the result is there', () => {
    expect(shareOf(line(4, 10))).toBe(0.99);
  });

  it('is nothing that another line tells', () => {
    for (const other of [{ tests: {} }, { progress: {} }, null, 7]) expect(shareOf(other)).toBeUndefined();
  });
});

describe('the board of the comparison', () => {
  const jobs = [
    { title: 'all images pooled', share: 0.5 },
    { title: 'hospital-a alone', share: 1 },
    { title: 'hospital-b alone', share: 0 },
  ];
  const board = (width: number) => baselineBoard(jobs, { width, usedMs: 20_000, paint: paintFor(false) });

  it('at 80 columns has a bar for each model and the time left', () => {
    expect(board(74)).toEqual([
      'all images pooled  ━━━━━━━━━━━━━━━━━━━━────────────────────  50 %',
      'hospital-a alone   ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 100 %',
      'hospital-b alone   ────────────────────────────────────────   0 %',
      'about 0:20 left',
    ]);
  });

  it('in a narrow terminal keeps its lines whole', () => {
    expect(board(40)[0]).toBe('all images pooled  ━━━━━━━────────  50 %');
  });

  it('says nothing of the time before something is done, and after all is', () => {
    expect(remainingMs([{ title: 'x', share: 0.01 }], 5_000)).toBeUndefined();
    expect(remainingMs([{ title: 'x', share: 1 }], 5_000)).toBeUndefined();
    expect(remainingMs([], 5_000)).toBeUndefined();
  });

  it('expects the rest to go on as it began', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.05, max: 0.99, noNaN: true }),
        fc.integer({ min: 1, max: 1_000_000 }),
        (share, usedMs) => {
          const left = remainingMs([{ title: 'x', share }], usedMs)!;
          expect(usedMs / (usedMs + left)).toBeCloseTo(share, 6);
        },
      ),
    );
  });
});
