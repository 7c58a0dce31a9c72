import { Fault, fromUtf8 } from '@consilium/stdx';
import { z } from 'zod';
import { Collector } from './collector.js';
import type { DataFolder } from './data-folder.js';
import { decodeNpy, type ByteArray } from './npz/npy.js';
import { ZipArchive } from './npz/zip.js';
import type { ImageSpec, SiteData, SplitName } from './site-data.js';

export const ARCHIVE_BYTES_MAX = 512 * 2 ** 20;
const MEMBER_BYTES_MAX = 2 ** 30;
/** Maps the archive's numbers to class names where the plan's order is another: `{"0":"malignant","1":"benign"}`. */
export const LABEL_NAMES_FILE = 'labels.json';
const labelNames = z.record(z.string().regex(/^\d{1,3}$/), z.string().max(63));

/** Grey images and their labels, as one split of a MedMNIST archive holds them. */
export interface MedMnistSplit {
  readonly count: number;
  readonly size: readonly [number, number];
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

/** One split of an archive: `<split>_images` [n, h, w] and `<split>_labels` [n] or [n, 1], uint8 (Yang et al. 2023, Sci. Data 10, 41). */
export function readMedMnistSplit(archive: ZipArchive, split: SplitName | 'val'): MedMnistSplit {
  const images = member(archive, `${split}_images.npy`);
  const labels = member(archive, `${split}_labels.npy`);
  const [count, height, width] = images.shape as [number, number, number];
  if (images.shape.length !== 3 || height < 1 || width < 1) {
    throw new Fault('DATA_NOT_AN_IMAGE', { part: `${split}_images`, expected: 'grey images [count, height, width]' });
  }
  if (labels.data.length !== count || labels.shape[0] !== count || labels.shape.length > 2) {
    throw new Fault('DATA_UNREADABLE', {
      part: `${split}_labels`,
      expected: 'one label for each image',
      images: count,
    });
  }
  return { count, size: [height, width], images: images.data, labels: labels.data };
}

/** Reads a folder with one MedMNIST archive; it knows no patients, so each image counts as its own. */
export async function loadMedMnist(folder: DataFolder, name: string, spec: ImageSpec): Promise<SiteData> {
  const archive = new ZipArchive(await folder.read(name, ARCHIVE_BYTES_MAX));
  const meaning = await labelMeaning(folder, spec.classes);
  const splits = { train: readMedMnistSplit(archive, 'train'), test: readMedMnistSplit(archive, 'test') };
  const collector = new Collector(spec, { train: splits.train.count, test: splits.test.count });
  for (const split of ['train', 'test'] as const) {
    const { count, size, images, labels } = splits[split];
    const [height, width] = size;
    for (let i = 0; i < count; i++) {
      const label = meaning(labels[i]!);
      if (label === undefined) throw new Fault('DATA_LABEL_UNKNOWN', { split, index: i });
      const content = images.subarray(i * height * width, (i + 1) * height * width);
      collector.add({ split, label }, { height, width, values: Float64Array.from(content), range: [0, 255] }, content);
    }
  }
  return collector.finish('npz');
}

/** What a stored number means: the class that labels.json names, else the class at that place of the plan. */
async function labelMeaning(
  folder: DataFolder,
  classes: readonly string[],
): Promise<(stored: number) => 0 | 1 | undefined> {
  const known = (index: number): 0 | 1 | undefined => (index === 0 || index === 1 ? index : undefined);
  if (!(await folder.names()).includes(LABEL_NAMES_FILE)) return known;
  const names = parseLabelNames(await folder.read(LABEL_NAMES_FILE, 65_536));
  return (stored) => known(classes.indexOf(names[stored] ?? ''));
}

/** No cause is kept: JSON's and zod's messages repeat what they read. */
function parseLabelNames(bytes: Uint8Array): Readonly<Record<string, string>> {
  try {
    return labelNames.parse(JSON.parse(fromUtf8(bytes)));
  } catch {
    throw new Fault('DATA_LABELS_INVALID', { expected: 'JSON that maps label numbers to class names' });
  }
}

function member(archive: ZipArchive, name: string): ByteArray {
  if (!archive.has(name)) throw new Fault('DATA_UNREADABLE', { part: 'npz', expected: name });
  return decodeNpy(archive.read(name, MEMBER_BYTES_MAX));
}
