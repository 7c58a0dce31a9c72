import type { SiteData, Split } from '@consilium/dataset';
import { digest, Fault, ManualClock, type Digest } from '@consilium/stdx';
import type { Engine, FitJob } from '@consilium/training';
import { describe, expect, it } from 'vitest';
import { modelOf, planOf } from '../plan.fixture.js';
import { imageSpecOf, type DataSource, type Progress } from '../ports.js';
import { joinData } from './join.js';
import { Tasks } from './tasks.js';
import { fitTerms } from './terms.js';

const plan = planOf();
const values = modelOf(plan).values;
const never = new AbortController().signal;

const splitOf = (labels: readonly number[], brightness: number): Split => ({
  count: labels.length,
  patients: labels.length,
  images: new Float32Array(labels.length * 64).fill(brightness),
  labels: Uint8Array.from(labels),
});
const siteData = (name: string, train: readonly number[], test: readonly number[], brightness = 0): SiteData => {
  const counts = (labels: readonly number[]) => ({
    examples: labels.length,
    patients: labels.length,
    positives: labels.filter((label) => label === 1).length,
  });
  return {
    train: splitOf(train, brightness),
    test: splitOf(test, brightness),
    manifest: {
      format: 'dicom',
      digest: digest(name.repeat(64).slice(0, 64)),
      train: counts(train),
      test: counts(test),
    },
  };
};

/** Folders in memory and an engine that only looks at what it is given. */
function bench(folders: Record<string, SiteData>, stepMs = 0) {
  const clock = new ManualClock();
  const jobs: FitJob[] = [];
  const reads: string[] = [];
  const opened: string[] = [];
  const engine: Engine = {
    name: 'cpu',
    version: '4.22.0',
    deterministic: true,
    selfTest: { maxError: 0.002 },
    async fit(job, hooks = {}) {
      jobs.push(job);
      for (let step = 1; step <= job.steps; step++) {
        hooks.onProgress?.({ step, steps: job.steps, loss: step });
        clock.advance(stepMs);
      }
      return { weights: job.weights, loss: 0.5, steps: job.steps };
    },
    predict: async (_graph, _weights, _images, count) => Float32Array.from({ length: count }, (_, i) => i / count),
    close: () => {},
  };
  const tasks = new Tasks({
    openEngine: async () => (opened.push('engine'), engine),
    monotonic: clock.monotonic,
    loadSiteData: async (folder) => {
      reads.push(folder);
      const data = folders[folder];
      if (!data) throw new Fault('DATA_UNREADABLE');
      return data;
    },
  });
  const source = (...names: string[]): DataSource => ({ folders: names, spec: imageSpecOf(plan) });
  const train = (data: DataSource, dataDigest: Digest | null = null, progress: (p: Progress) => void = () => {}) =>
    tasks.train({ data, dataDigest, terms: fitTerms(plan, 1, 'site-a'), values }, { signal: never, progress });
  return { tasks, jobs, reads, opened, source, train };
}

describe('the trainer’s work', () => {
  it('tells what engine it has and how right it computes', async () => {
    const { tasks } = bench({});
    expect(await tasks.open()).toEqual({
      name: 'cpu',
      version: '4.22.0',
      deterministic: true,
      selfTestMaxError: 0.002,
    });
  });

  it('starts the engine once, and only for work that computes', async () => {
    const { tasks, source, train, opened } = bench({ '/a': siteData('a', [0, 1], [1]) });
    await tasks.load({ data: source('/a'), needs: [] });
    expect(opened).toEqual([]);
    await Promise.all([train(source('/a')), train(source('/a'))]);
    expect(opened).toEqual(['engine']);
  });

  it('gives counts and a digest of a folder, and no sample', async () => {
    const { tasks, source } = bench({ '/a': siteData('a', [0, 1], [1]) });
    const manifest = await tasks.load({ data: source('/a'), needs: [] });
    expect(Object.keys(manifest).sort()).toEqual(['digest', 'format', 'test', 'train']);
    expect(manifest.train).toEqual({ examples: 2, patients: 2, positives: 1 });
  });

  it('reads a folder once for all rounds, again for another folder, and always when asked to look', async () => {
    const { tasks, source, train, reads } = bench({ '/a': siteData('a', [0, 1], [1]), '/b': siteData('b', [0], [1]) });
    await tasks.load({ data: source('/a'), needs: [] });
    await train(source('/a'));
    await train(source('/a'));
    expect(reads).toEqual(['/a']);
    await train(source('/b'));
    await tasks.load({ data: source('/b'), needs: [] });
    expect(reads).toEqual(['/a', '/b', '/b']);
  });

  it('trains on the training split by the plan’s terms and measures on the test split', async () => {
    const { tasks, source, train, jobs } = bench({ '/a': siteData('a', [0, 1, 1], [0, 1]) });
    expect(await train(source('/a'))).toMatchObject({ loss: 0.5, steps: 4, examples: 3 });
    expect(jobs[0]).toMatchObject({ count: 3, steps: 4, batchSize: 8, learningRate: 0.1, seed: [7, 1, 'site-a'] });
    const metrics = await tasks.evaluate({ data: source('/a'), dataDigest: null, graph: plan.model, values });
    expect(metrics).toMatchObject({ examples: 2, auc: { value: 1 } });
  });

  it('tells the mean loss of the steps so far, not the last batch’s', async () => {
    const { source, train } = bench({ '/a': siteData('a', [0, 1], [1]) }, 1_000);
    const losses: number[] = [];
    await train(source('/a'), null, ({ loss }) => losses.push(loss));
    expect(losses).toEqual([1, 1.5, 2, 2.5]);
  });

  it('tells of the first step and the last, and not of each when they are quick', async () => {
    const { source, train } = bench({ '/a': siteData('a', [0, 1], [1]) }, 1);
    const told: Progress[] = [];
    await train(source('/a'), null, (progress) => told.push(progress));
    expect(told).toEqual([
      { step: 1, steps: 4, loss: 1 },
      { step: 4, steps: 4, loss: 2.5 },
    ]);
  });

  it('leaves metrics undefined at a site with one class, and does not fail', async () => {
    const { tasks, source } = bench({ '/a': siteData('a', [0, 0], [0, 0]) });
    const metrics = await tasks.evaluate({ data: source('/a'), dataDigest: null, graph: plan.model, values });
    expect(metrics.auc).toBeNull();
    expect(metrics.sensitivity).toBeNull();
    expect(metrics.specificity).not.toBeNull();
  });

  it('refuses to work on other data than were approved', async () => {
    const { source, train } = bench({ '/a': siteData('a', [0, 1], [1]) });
    await expect(train(source('/a'), digest('b'.repeat(64)))).rejects.toMatchObject({ code: 'DATA_CHANGED' });
    await expect(train(source('/a'), digest('a'.repeat(64)))).resolves.toMatchObject({ examples: 2 });
  });

  it('refuses an empty split by name', async () => {
    const { tasks, source, train } = bench({ '/a': siteData('a', [], []) });
    await expect(train(source('/a'))).rejects.toMatchObject({ code: 'DATA_EMPTY', facts: { split: 'train' } });
    const measuring = tasks.evaluate({ data: source('/a'), dataDigest: null, graph: plan.model, values });
    await expect(measuring).rejects.toMatchObject({ code: 'DATA_EMPTY', facts: { split: 'test' } });
  });
});

describe('a site’s share of the plan', () => {
  it('draws its shuffling from seed, round and site, so that a repeated round gives the same bits', () => {
    expect(fitTerms(plan, 2, 'site-a').seed).toEqual([7, 2, 'site-a']);
    expect(fitTerms(plan, 2, 'site-a')).toEqual(fitTerms(plan, 2, 'site-a'));
    expect(fitTerms(plan, 2, 'site-b').seed).not.toEqual(fitTerms(plan, 2, 'site-a').seed);
  });

  it('follows the plan’s schedule of learning rates', () => {
    const cosine = planOf({ training: { ...plan.training, schedule: 'cosine' } });
    expect([1, 2, 3].map((round) => fitTerms(cosine, round, 'site-a').learningRate)).toEqual([
      0.1,
      expect.closeTo(0.055),
      expect.closeTo(0.01),
    ]);
  });
});

describe('joined folders', () => {
  it('are one folder as it is', () => {
    const data = siteData('a', [0], [1]);
    expect(joinData([data])).toBe(data);
  });

  it('have the samples of all, in the order of the folders', () => {
    const joined = joinData([siteData('a', [0, 1], [1], 1), siteData('b', [1], [0], 2)]);
    expect([...joined.train.labels]).toEqual([0, 1, 1]);
    expect([joined.train.images[0], joined.train.images[127], joined.train.images[128]]).toEqual([1, 1, 2]);
    expect(joined.manifest.train).toEqual({ examples: 3, patients: 3, positives: 2 });
    expect(joined.train.count).toBe(3);
  });

  it('have a digest that knows their order', () => {
    const [a, b] = [siteData('a', [0], [1]), siteData('b', [0], [1])];
    expect(joinData([a, b]).manifest.digest).not.toBe(joinData([b, a]).manifest.digest);
  });
});
