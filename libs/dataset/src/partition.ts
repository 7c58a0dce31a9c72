import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, seededRandom, type SiteName } from '@consilium/stdx';
import { ARCHIVE_BYTES_MAX, LABEL_NAMES_FILE, readMedMnistSplit, type MedMnistSplit } from './medmnist.js';
import { encodeNpy } from './npz/npy.js';
import { encodeZip } from './npz/write-zip.js';
import { ZipArchive } from './npz/zip.js';
import { shareOut, type SiteShare } from './site-shares.js';

/** BreastMNIST's numbers (Yang et al. 2023): 0 malignant, 1 normal or benign. */
const MALIGNANT = 0;
const LABEL_NAMES = { 0: 'malignant', 1: 'benign' };

export interface PartitionOrder {
  /** A BreastMNIST archive. */
  readonly npz: string;
  readonly sites: readonly SiteName[];
  readonly seed: number;
  /** Each site's folder is made in here and carries its name. */
  readonly out: string;
}

export interface PartitionResult {
  readonly sites: readonly { readonly name: SiteName; readonly train: SiteShare; readonly test: number }[];
  /** Training images that stand in the test split too and are therefore given to nobody. */
  readonly duplicates: number;
}

/**
 * Divides the training split of BreastMNIST over sites that differ in size and in their share of malignant images, as
 * {@link shareOut} says; each site gets the whole official test split beside its own part. Images of the training split
 * that stand in the test split as well are left out. The same order writes the same bytes.
 *
 * Writes `OUT/SITE/data.npz` and before it `labels.json`, which says what the numbers mean.
 * Faults: DATA_UNREADABLE, DATA_TOO_LARGE, DATA_LABEL_UNKNOWN, DATA_EMPTY when a site would get no image, DISK_FULL.
 */
export async function partitionNpz({ npz, sites, seed, out }: PartitionOrder): Promise<PartitionResult> {
  const archive = new ZipArchive(await readArchive(npz));
  const train = readMedMnistSplit(archive, 'train');
  const test = readMedMnistSplit(archive, 'test');
  const unseen = withoutDuplicates(train, test);
  const byLabel = (malignant: boolean): number[] => unseen.filter((i) => (train.labels[i] === MALIGNANT) === malignant);
  const random = seededRandom('consilium/partition', seed);
  const shuffled = (indices: number[]): number[] => [...random.permutation(indices.length)].map((i) => indices[i]!);
  const [malignant, benign] = [shuffled(byLabel(true)), shuffled(byLabel(false))];

  const shares = shareOut(sites.length, { positives: malignant.length, negatives: benign.length });
  for (const [k, name] of sites.entries()) {
    const { positives, negatives } = shares[k]!;
    const own = [...malignant.splice(0, positives), ...benign.splice(0, negatives)].sort((a, b) => a - b);
    if (own.length === 0) throw new Fault('DATA_EMPTY', { sites: sites.length, images: unseen.length });
    await writeSite(join(out, name), select(train, own), test);
  }
  const written = sites.map((name, k) => ({ name, train: shares[k]!, test: test.count }));
  return { sites: written, duplicates: train.count - unseen.length };
}

/** Indices of the training images whose pixels do not appear in the test split; every label must be known. */
function withoutDuplicates(train: MedMnistSplit, test: MedMnistSplit): number[] {
  const pixels = train.size[0] * train.size[1];
  const key = (split: MedMnistSplit, i: number): string =>
    Buffer.from(split.images.subarray(i * pixels, (i + 1) * pixels)).toString('latin1');
  for (const [split, { labels }] of Object.entries({ train, test })) {
    const index = labels.findIndex((label) => !(label in LABEL_NAMES));
    if (index !== -1) throw new Fault('DATA_LABEL_UNKNOWN', { split, index });
  }
  const seen = new Set(Array.from({ length: test.count }, (_, i) => key(test, i)));
  return Array.from({ length: train.count }, (_, i) => i).filter((i) => !seen.has(key(train, i)));
}

function select(split: MedMnistSplit, indices: readonly number[]): MedMnistSplit {
  const pixels = split.size[0] * split.size[1];
  const images = new Uint8Array(indices.length * pixels);
  indices.forEach((from, to) => images.set(split.images.subarray(from * pixels, (from + 1) * pixels), to * pixels));
  return { count: indices.length, size: split.size, images, labels: Uint8Array.from(indices, (i) => split.labels[i]!) };
}

async function writeSite(folder: string, train: MedMnistSplit, test: MedMnistSplit): Promise<void> {
  const members = Object.entries({ train, test }).flatMap(([name, { count, size, images, labels }]) => [
    [`${name}_images.npy`, encodeNpy({ shape: [count, ...size], data: images })] as const,
    [`${name}_labels.npy`, encodeNpy({ shape: [count, 1], data: labels })] as const,
  ]);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, LABEL_NAMES_FILE), `${JSON.stringify(LABEL_NAMES)}\n`);
    // By another name first: a folder with data.npz is a finished one, even after a kill.
    await writeFile(join(folder, 'data.npz.part'), encodeZip(new Map(members)));
    await rename(join(folder, 'data.npz.part'), join(folder, 'data.npz'));
  } catch (error) {
    const full = ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');
    throw full ? new Fault('DISK_FULL') : new Fault('DATA_UNREADABLE', { part: 'folder', expected: 'writable' });
  }
}

async function readArchive(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > ARCHIVE_BYTES_MAX) throw new Fault('DATA_TOO_LARGE', { bytes: size, bytesMax: ARCHIVE_BYTES_MAX });
    return await readFile(path);
  } catch (error) {
    throw error instanceof Fault ? error : new Fault('DATA_UNREADABLE', { part: 'npz', expected: 'readable' });
  }
}
