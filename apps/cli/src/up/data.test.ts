import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataFolders, dataToDo, fileDigest, type DataFolders, type DataToDo } from './data.js';
import { makeImages } from './images.js';

let root: string;
let folders: DataFolders;
let asked: string[][];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'consilium-data-'));
  folders = dataFolders(join(root, 'data', 'key'), 'lung-nodule');
  asked = [];
});
afterEach(() => rm(root, { recursive: true }));

const SITES = ['hospital-a', 'hospital-b'];

/** Stands for `agent data …`: writes a file that says what it was asked. */
const fake = async (_: string, args: readonly string[]): Promise<void> => {
  asked.push([...args]);
  await writeFile(join(args.at(-1)!, 'labels.csv'), args.slice(0, -1).join(' '));
};

const lung = (run = fake, of = folders) =>
  dataToDo({ options: { study: 'lung-nodule', seed: 3 }, sites: SITES, folders: of, run });
const breast = (run = fake) =>
  dataToDo({
    options: { study: 'breast-ultrasound', seed: 3, data: 'b.npz' },
    sites: SITES,
    folders: dataFolders(folders.root, 'breast-ultrasound'),
    run,
  });
const makeAll = async ({ work, later }: DataToDo): Promise<void> => {
  for (const each of work) await each.make();
  await later();
};

describe('the images of the lung-nodule study', () => {
  it('are made for each hospital with its own scanner, and for the external one', async () => {
    await makeAll(await lung());
    expect(asked.map((args) => args.slice(0, -1).join(' '))).toEqual([
      'data phantom --study lung-nodule --hospital a --site hospital-a --seed 3 --out',
      'data phantom --study lung-nodule --hospital b --site hospital-b --seed 3 --out',
      'data phantom --study lung-nodule --hospital external --site external --seed 3 --out',
    ]);
    expect((await readdir(folders.root)).sort()).toEqual([
      'external',
      'external-at-hospital-a',
      'external-at-hospital-b',
      'hospital-a',
      'hospital-b',
    ]);
  });

  it('give each hospital a copy of the external ones, so that its own model stays home', async () => {
    await makeAll(await lung());
    const own = await readFile(join(folders.externalAt('hospital-a')!, 'labels.csv'), 'utf8');
    expect(own).toBe(await readFile(join(folders.external!, 'labels.csv'), 'utf8'));
  });

  it('are not made again', async () => {
    await makeAll(await lung());
    asked = [];
    const again = await lung();
    expect([again.ready, again.work]).toEqual([SITES, []]);
    await again.later();
    expect(asked).toEqual([]);
  });

  it('are made only where they are missing', async () => {
    await makeAll(await lung());
    await rm(folders.siteFolder('hospital-b'), { recursive: true });
    await rm(folders.externalAt('hospital-a')!, { recursive: true });
    asked = [];
    const again = await lung();
    expect(again.ready).toEqual(['hospital-a']);
    await makeAll(again);
    expect(asked).toHaveLength(1);
    expect(await readdir(folders.root)).toHaveLength(5);
  });

  it('of the external hospital keep no agent waiting', async () => {
    const { work } = await lung();
    for (const each of work) await each.make();
    expect((await readdir(folders.root)).sort()).toEqual(SITES);
  });

  it('stand under their name only when they are whole', async () => {
    const { work } = await lung(async (about, args) => {
      await fake(about, args);
      expect(await readdir(folders.root)).not.toContain('hospital-a');
      throw new Fault('DISK_FULL');
    });
    await expect(work[0]!.make()).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(await readdir(folders.root)).toEqual([]);
  });

  it('that a killed start left unfinished are cleared away, even while its program still ends', async () => {
    const left = join(folders.root, '.making-0123456789ab');
    await mkdir(left, { recursive: true });
    let files = 0;
    const fill = (): Promise<void> => writeFile(join(left, String(files++)), 'x');
    await fill();
    const ending = setInterval(() => void fill().catch(() => {}), 1);
    setTimeout(() => clearInterval(ending), 400);
    await lung();
    clearInterval(ending);
    expect(await readdir(folders.root)).toEqual([]);
  });

  it('that a killed start left unfinished are cleared away', async () => {
    await mkdir(join(folders.root, '.making-0123456789ab'), { recursive: true });
    await mkdir(join(root, 'data', '.making-ba9876543210'), { recursive: true });
    await lung();
    expect([await readdir(folders.root), await readdir(join(root, 'data'))]).toEqual([[], ['key']]);
  });
});

describe('the images of the breast-ultrasound study', () => {
  it('are one file’s, spread over the sites at once', async () => {
    const { ready, work } = await breast();
    expect([ready, work.map((each) => each.sites)]).toEqual([[], [SITES]]);
    await work[0]!.make();
    expect(asked[0]!.slice(0, -1)).toEqual([
      'data',
      'partition',
      '--npz',
      join(process.cwd(), 'b.npz'),
      '--sites',
      'hospital-a,hospital-b',
      '--seed',
      '3',
      '--out',
    ]);
    const again = await breast();
    expect([again.ready, again.work]).toEqual([SITES, []]);
    await again.later();
    expect(asked).toHaveLength(1);
  });

  it('have no external hospital', () => {
    const { external, externalAt } = dataFolders('x', 'breast-ultrasound');
    expect([external, externalAt('hospital-a')]).toEqual([undefined, undefined]);
  });
});

describe('the digest of a data file', () => {
  it('is its SHA-256', async () => {
    await writeFile(join(root, 'abc'), 'abc');
    // FIPS 180-4, example B.1.
    expect(await fileDigest(join(root, 'abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it.each(['absent', '.'])('of what cannot be read (%s) is DATA_UNREADABLE', async (name) => {
    await expect(fileDigest(join(root, name))).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
  });
});

describe('images made in the background', () => {
  const later = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(() => resolve(value)));

  it('let a site begin as soon as its own are there', async () => {
    let finishSecond = (): void => {};
    const second = new Promise<void>((resolve) => (finishSecond = resolve));
    const images = makeImages(
      ['hospital-z'],
      [
        { sites: ['hospital-a'], make: () => later(undefined) },
        { sites: ['hospital-b'], make: () => second },
      ],
    );
    await Promise.all([images.ready('hospital-z'), images.ready('hospital-a')]);
    const b = images.ready('hospital-b').then(() => 'ready');
    expect(await Promise.race([b, later('not yet')])).toBe('not yet');
    finishSecond();
    expect(await b).toBe('ready');
  });

  it('tell a failure to whoever waits, also for images that were not begun', async () => {
    const images = makeImages(
      [],
      [
        { sites: ['a'], make: () => Promise.reject(new Fault('DISK_FULL')) },
        { sites: ['b'], make: () => later(undefined) },
        { sites: ['c'], make: () => later(undefined) },
      ],
    );
    await expect(images.ready('a')).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(images.ready('c')).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(images.ready('b')).resolves.toBeUndefined();
  });
});
