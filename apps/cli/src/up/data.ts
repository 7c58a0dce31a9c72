import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isErrno } from '@consilium/machine';
import { digest, Fault, type Digest } from '@consilium/stdx';
import { exists } from '../files.js';
import type { UpOptions } from './options.js';
import { scannerOf } from './planning.js';

/** The hospital that never trains, and whose images tell how well a model travels. */
export const EXTERNAL = 'external';

/** Where the images of one choice of options are. */
export interface DataFolders {
  readonly root: string;
  siteFolder(site: string): string;
  /** A site's own copy of the external images, so that its local model need not leave it; undefined where there are none. */
  externalAt(site: string): string | undefined;
  /** The external hospital's own folder. */
  readonly external: string | undefined;
}

export function dataFolders(root: string, study: UpOptions['study']): DataFolders {
  const hasExternal = study === 'lung-nodule';
  return {
    root,
    siteFolder: (site) => join(root, site),
    externalAt: (site) => (hasExternal ? join(root, `${EXTERNAL}-at-${site}`) : undefined),
    external: hasExternal ? join(root, EXTERNAL) : undefined,
  };
}

/** Runs `agent data …` with these arguments to its end; `about` is whose images it makes. */
export type RunDataProgram = (about: string, args: readonly string[]) => Promise<void>;

interface DataOrder {
  readonly options: Pick<UpOptions, 'study' | 'seed' | 'data'>;
  readonly sites: readonly string[];
  readonly folders: DataFolders;
  readonly run: RunDataProgram;
}

/** One folder to make. `sites` can start when it is done. */
export interface DataWork {
  readonly sites: readonly string[];
  readonly make: () => Promise<void>;
}

/** What there is to do about a choice of options. */
export interface DataToDo {
  /** Sites whose images are there already. */
  readonly ready: readonly string[];
  /** What the other sites wait for, in the order in which to make it. */
  readonly work: readonly DataWork[];
  /** What only the comparison needs, so that it need not slow down the start. */
  readonly later: () => Promise<void>;
}

/** Looks which folders are missing. Each is made under another name and renamed when complete, so one that is there is whole. */
export async function dataToDo(order: DataOrder): Promise<DataToDo> {
  await clearUnfinished(order.folders.root);
  return order.options.study === 'breast-ultrasound' ? partition(order) : phantoms(order);
}

async function phantoms({ options: { study, seed }, sites, folders, run }: DataOrder): Promise<DataToDo> {
  const phantom = (site: string, hospital: string) => (out: string) =>
    run(site, ['data', 'phantom', ...flags({ study, hospital, site, seed, out })]);
  const ready: string[] = [];
  const work: DataWork[] = [];
  for (const [index, site] of sites.entries()) {
    const folder = folders.siteFolder(site);
    if (await exists(folder)) ready.push(site);
    else work.push({ sites: [site], make: () => makeWhole(folder, phantom(site, scannerOf(index))) });
  }
  const later = async (): Promise<void> => {
    const external = folders.external!;
    if (!(await exists(external))) await makeWhole(external, phantom(EXTERNAL, 'external'));
    for (const copy of sites.map((site) => folders.externalAt(site)!)) {
      if (!(await exists(copy))) await makeWhole(copy, (out) => cp(external, out, { recursive: true }));
    }
  };
  return { ready, work, later };
}

async function partition({ options: { seed, data }, sites, folders, run }: DataOrder): Promise<DataToDo> {
  const later = (): Promise<void> => Promise.resolve();
  if (await exists(folders.root)) return { ready: sites, work: [], later };
  const npz = resolve(data!);
  const make = (out: string): Promise<void> =>
    run('the sites', ['data', 'partition', ...flags({ npz, sites: sites.join(','), seed, out })]);
  return { ready: [], work: [{ sites, make: () => makeWhole(folders.root, make) }], later };
}

const flags = (options: Readonly<Record<string, string | number>>): string[] =>
  Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);

const UNFINISHED = '.making-';

async function makeWhole(folder: string, make: (out: string) => Promise<void>): Promise<void> {
  const parent = resolve(folder, '..');
  await mkdir(parent, { recursive: true });
  const temporary = join(parent, `${UNFINISHED}${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(temporary);
    await make(temporary);
    await rename(temporary, folder);
  } catch (error) {
    await remove(temporary);
    throw isErrno(error, 'ENOSPC', 'EDQUOT') ? new Fault('DISK_FULL', {}, error) : error;
  }
}

/** What a killed start left behind; nobody else writes here, since the state directory is locked. */
async function clearUnfinished(root: string): Promise<void> {
  for (const parent of [root, resolve(root, '..')]) {
    const names = await readdir(parent).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return [];
      throw error;
    });
    for (const name of names.filter((each) => each.startsWith(UNFINISHED))) await remove(join(parent, name));
  }
}

/** With patience: the program that fills the folder ends some moments after a start that was killed. */
const remove = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 12, retryDelay: 100 });

/** SHA-256 of a data file. Faults: DATA_UNREADABLE. */
export async function fileDigest(file: string): Promise<Digest> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  } catch (error) {
    throw new Fault('DATA_UNREADABLE', { option: '--data' }, error);
  }
  return digest(hash.digest('hex'));
}
