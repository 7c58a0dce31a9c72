import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Fault, siteName } from '@consilium/stdx';
import { afterAll, describe, expect, it } from 'vitest';
import { loadSiteData } from './load.js';
import { encodeNpy, type ByteArray } from './npz/npy.js';
import { encodeZip } from './npz/write-zip.js';
import { partitionNpz } from './partition.js';
import type { ImageSpec } from './site-data.js';

const root = mkdtempSync(join(tmpdir(), 'consilium-medmnist-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const data = resolve(import.meta.dirname, '../../..', process.env['CONSILIUM_DATA'] ?? '../shared/data');
const breast = join(data, 'medmnist', 'breastmnist.npz');

const spec: ImageSpec = { size: [2, 2], normalise: 'unit', classes: ['benign', 'malignant'] };
const array = (shape: number[], ...values: number[]): ByteArray => ({ shape, data: Uint8Array.from(values) });
const small = {
  train_images: array([2, 2, 2], 0, 0, 0, 255, 1, 2, 3, 4),
  train_labels: array([2, 1], 0, 1),
  test_images: array([1, 2, 2], 9, 9, 9, 9),
  test_labels: array([1, 1], 1),
};

let folders = 0;
function folder(arrays: Readonly<Record<string, ByteArray>>, labelNames?: string): string {
  const path = join(root, String(folders++));
  mkdirSync(path);
  const members = Object.entries(arrays).map(([name, value]) => [`${name}.npy`, encodeNpy(value)] as const);
  writeFileSync(join(path, 'data.npz'), encodeZip(new Map(members)));
  if (labelNames !== undefined) writeFileSync(join(path, 'labels.json'), labelNames);
  return path;
}

const code = async (path: string): Promise<string> => {
  const error: unknown = await loadSiteData(path, spec).catch((reason: unknown) => reason);
  return Fault.is(error) ? error.code : 'accepted';
};

describe('a MedMNIST archive', () => {
  it('becomes two splits, each image its own patient, label i the plan’s class i', async () => {
    const { train, test, manifest } = await loadSiteData(folder(small), spec);
    expect(train).toMatchObject({ count: 2, patients: 2, labels: Uint8Array.of(0, 1) });
    expect([...train.images.subarray(0, 4)]).toEqual([0, 0, 0, 1]);
    expect(test.images[0]).toBeCloseTo(9 / 255, 7);
    expect(manifest).toMatchObject({ format: 'npz', test: { examples: 1, positives: 1 } });
  });

  it('means by its labels what labels.json says', async () => {
    const { train } = await loadSiteData(folder(small, '{"0":"malignant","1":"benign"}'), spec);
    expect([...train.labels]).toEqual([1, 0]);
  });

  it.each([
    ['a label beyond the plan’s classes', { train_labels: array([2, 1], 0, 2) }, undefined, 'DATA_LABEL_UNKNOWN'],
    ['a class that the plan does not know', {}, '{"0":"malignant","1":"normal"}', 'DATA_LABEL_UNKNOWN'],
    ['a label that labels.json leaves out', {}, '{"0":"malignant"}', 'DATA_LABEL_UNKNOWN'],
    ['labels.json that is no JSON', {}, 'malignant', 'DATA_LABELS_INVALID'],
    ['labels.json of another form', {}, '{"zero":"malignant"}', 'DATA_LABELS_INVALID'],
    [
      'colour images',
      { train_images: array([2, 2, 2, 3], ...Array<number>(24).fill(0)) },
      undefined,
      'DATA_NOT_AN_IMAGE',
    ],
    ['fewer labels than images', { train_labels: array([1, 1], 0) }, undefined, 'DATA_UNREADABLE'],
    ['an empty test split', { test_images: array([0, 2, 2]), test_labels: array([0, 1]) }, undefined, 'DATA_EMPTY'],
  ])('is refused for %s', async (_, change, names, expected) => {
    expect(await code(folder({ ...small, ...change }, names))).toBe(expected);
  });

  it('is refused without one of its arrays', async () => {
    const { test_labels: _, ...rest } = small;
    expect(await code(folder(rest))).toBe('DATA_UNREADABLE');
  });
});

describe('partitionNpz', () => {
  const sites = ['hospital-a', 'hospital-b', 'hospital-c', 'hospital-d'].map(siteName);
  const breastSpec: ImageSpec = { size: [28, 28], normalise: 'unit', classes: ['benign', 'malignant'] };

  it('leaves out training images that are test images too', async () => {
    const arrays = {
      train_images: array([4, 1, 1], 1, 2, 3, 4),
      train_labels: array([4, 1], 0, 0, 1, 1),
      test_images: array([1, 1, 1], 2),
      test_labels: array([1, 1], 1),
    };
    const npz = join(folder(arrays), 'data.npz');
    const result = await partitionNpz({ npz, sites: [siteName('only')], seed: 1, out: join(root, 'deduplicated') });
    expect(result).toEqual({
      sites: [{ name: 'only', train: { positives: 1, negatives: 2 }, test: 1 }],
      duplicates: 1,
    });
    const { train } = await loadSiteData(join(root, 'deduplicated', 'only'), { ...breastSpec, size: [1, 1] });
    expect([...train.images].map((value) => Math.round(value * 255))).toEqual([1, 3, 4]);
    expect([...train.labels]).toEqual([1, 0, 0]);
  });

  it('refuses more sites than images, unknown labels and what is no archive, without a path in the words', async () => {
    const out = join(root, 'refused');
    const many = { npz: join(folder(small), 'data.npz'), sites: sites.concat(siteName('e')), seed: 1, out };
    await expect(partitionNpz(many)).rejects.toSatisfy((error) => Fault.is(error, 'DATA_EMPTY'));
    const odd = { ...many, npz: join(folder({ ...small, test_labels: array([1, 1], 3) }), 'data.npz') };
    await expect(partitionNpz(odd)).rejects.toSatisfy((error) => Fault.is(error, 'DATA_LABEL_UNKNOWN'));
    const absent = { ...many, npz: join(root, 'absent.npz') };
    await expect(partitionNpz(absent)).rejects.toSatisfy(
      (error) => Fault.is(error, 'DATA_UNREADABLE') && !error.message.includes('absent'),
    );
  });

  describe.skipIf(!existsSync(breast))('of BreastMNIST (skipped where the data are absent)', () => {
    const partition = (name: string, seed: number) => partitionNpz({ npz: breast, sites, seed, out: join(root, name) });
    const load = async (name: string) =>
      Promise.all(sites.map((site) => loadSiteData(join(root, name, site), breastSpec)));

    it('gives each site its number and share of malignant images and the whole official test split', async () => {
      expect((await partition('one', 1)).duplicates).toBe(1);
      const parts = await load('one');
      expect(parts.map(({ manifest }) => [manifest.train.examples, manifest.train.positives])).toEqual([
        [110, 64],
        [120, 41],
        [140, 25],
        [175, 16],
      ]);
      for (const { manifest } of parts) expect(manifest.test).toEqual({ examples: 156, patients: 156, positives: 42 });
    });

    it('gives no image to two sites', async () => {
      const parts = await load('one');
      const images = parts.flatMap(({ train }) =>
        Array.from({ length: train.count }, (_, i) => train.images.subarray(i * 784, (i + 1) * 784).join()),
      );
      expect(new Set(images).size).toBe(545);
    });

    it('divides alike for the same seed and otherwise for another', async () => {
      const digests = async (name: string) => (await load(name)).map(({ manifest }) => manifest.digest);
      await partition('again', 1);
      await partition('two', 2);
      expect(await digests('again')).toEqual(await digests('one'));
      expect(await digests('two')).not.toEqual(await digests('one'));
    });
  });
});
