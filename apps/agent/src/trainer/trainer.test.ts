import { mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writePhantom } from '@consilium/phantom';
import { digest } from '@consilium/stdx';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BUILT_CHILD } from '../build.fixture.js';
import { modelOf, planOf, SITE } from '../plan.fixture.js';
import { imageSpecOf, type Progress, type Trainer, type Training } from '../ports.js';
import { openTrainer } from './trainer.js';

// Whole processes beside whatever else this machine runs: the bound is for what hangs, not for what is slow.
vi.setConfig({ testTimeout: 180_000 });

/** The real child: its own process, its own network namespace, the real engine, DICOM files on disk. */
const plan = planOf();
const endless = planOf({ training: { ...plan.training, localSteps: 50_000 } });
const never = new AbortController().signal;

let folder: string;
let trainer: Trainer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainer-'));
  await writePhantom({ out: folder, seed: 3, hospital: 'c', siteName: SITE });
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => (trainer = openTrainer({ engine: 'auto', sandbox: 'on' }, BUILT_CHILD)));
afterEach(() => trainer.close());

const data = () => ({ folders: [folder], spec: imageSpecOf(plan) });
const training = (changes: Partial<Training> = {}): Training => ({
  data: data(),
  dataDigest: null,
  plan,
  round: 1,
  label: SITE,
  weights: modelOf(plan),
  ...changes,
});
const childOf = async (): Promise<number> => {
  const children = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  for (const pid of children.trim().split(' ').map(Number).reverse()) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(BUILT_CHILD)) return pid;
  }
  throw new Error('no child');
};

describe('the trainer’s process', () => {
  it('is cut off from the network, and says so with its engine', async () => {
    expect(await trainer.open()).toMatchObject({ sandbox: 'on', deterministic: true });
    const child = await childOf();
    expect(await readlink(`/proc/${child}/ns/net`)).not.toBe(await readlink('/proc/self/ns/net'));
    const interfaces = (await readFile(`/proc/${child}/net/dev`, 'utf8')).match(/^\s*\w+(?=:)/gm);
    expect(interfaces?.map((name) => name.trim())).toEqual(['lo']);
  });

  it('trains the same bits again, in the same process and in another', async () => {
    const first = await trainer.train(training(), never);
    const again = await trainer.train(training(), never);
    await trainer.close();
    trainer = openTrainer({ engine: 'auto', sandbox: 'on' }, BUILT_CHILD);
    const elsewhere = await trainer.train(training(), never);
    expect(again.weights.values).toEqual(first.weights.values);
    expect(elsewhere.weights.values).toEqual(first.weights.values);
    expect((await trainer.train(training({ round: 2 }), never)).weights.values).not.toEqual(first.weights.values);
  });

  it('is begun once more after kill -9, and its second death is told', async () => {
    const seen: Progress[] = [];
    let trained = trainer.train(training({ plan: endless }), never, (progress) => seen.push(progress));
    trained.catch(() => {});
    await expect.poll(() => seen.length, { timeout: 60_000 }).toBeGreaterThan(0);
    const first = await childOf();
    process.kill(first, 'SIGKILL');
    seen.length = 0;
    await expect.poll(() => seen.length, { timeout: 60_000 }).toBeGreaterThan(0);
    const second = await childOf();
    expect(second).not.toBe(first);
    process.kill(second, 'SIGKILL');
    await expect(trained).rejects.toMatchObject({ code: 'TRAINING_DIED', facts: { signal: 'SIGKILL' } });
    trained = trainer.train(training(), never);
    expect((await trained).steps).toBe(4);
  });

  it('lets go within moments when the round is called off, and takes the next', async () => {
    const abort = new AbortController();
    const trained = trainer.train(training({ plan: endless }), abort.signal, () => abort.abort());
    await expect(trained).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await trainer.train(training(), never)).steps).toBe(4);
  });

  it('does one thing at a time', async () => {
    const order: string[] = [];
    const work = [
      trainer.train(training(), never).then(() => order.push('train')),
      trainer.evaluate(training(), never).then(() => order.push('evaluate')),
      trainer.load(data(), []).then(() => order.push('load')),
    ];
    await Promise.all(work);
    expect(order).toEqual(['train', 'evaluate', 'load']);
  });

  it('measures the test split with intervals', async () => {
    const { auc, examples } = await trainer.evaluate(training(), never);
    expect(examples).toBe(250);
    expect(auc?.low).toBeLessThanOrEqual(auc!.value);
  });

  it('refuses data that changed since they were approved', async () => {
    const { digest: approved } = await trainer.load(data(), ['train', 'test']);
    await expect(trainer.train(training({ dataDigest: approved }), never)).resolves.toMatchObject({ steps: 4 });
    await expect(trainer.train(training({ dataDigest: digest('e'.repeat(64)) }), never)).rejects.toMatchObject({
      code: 'DATA_CHANGED',
    });
    const labels = await readFile(join(folder, 'labels.csv'), 'utf8');
    await writeFile(join(folder, 'labels.csv'), labels.trimEnd().split('\n').slice(0, -1).join('\n'));
    expect((await trainer.load(data(), [])).digest).not.toBe(approved);
    await writeFile(join(folder, 'labels.csv'), labels);
  });

  it('names an empty folder, and leaves one class’s metrics undefined', async () => {
    const other = await mkdtemp(join(tmpdir(), 'empty-'));
    const source = { folders: [other], spec: imageSpecOf(plan) };
    await expect(trainer.load(source, ['train'])).rejects.toMatchObject({ code: 'DATA_EMPTY' });
    const [header, ...rows] = (await readFile(join(folder, 'labels.csv'), 'utf8')).trim().split('\n');
    await writePhantom({ out: other, seed: 3, hospital: 'c', siteName: SITE });
    await writeFile(
      join(other, 'labels.csv'),
      [header, ...rows.filter((row) => !row.includes(',no-nodule,'))].join('\n'),
    );
    await trainer.load(source, ['train', 'test']);
    expect(await trainer.evaluate(training({ data: source }), never)).toMatchObject({ auc: null, specificity: null });
    expect((await trainer.train(training({ data: source }), never)).steps).toBe(4);
    await rm(other, { recursive: true });
  });

  it('answers CANCELLED to what is asked after the end, or interrupted by it', async () => {
    let steps = 0;
    const trained = trainer.train(training({ plan: endless }), never, ({ step }) => (steps = step));
    trained.catch(() => {});
    await expect.poll(() => steps, { timeout: 60_000 }).toBeGreaterThan(0);
    await trainer.close();
    await expect(trained).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(trainer.load(data(), [])).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
