import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault, siteName } from '@consilium/stdx';
import { afterAll, describe, expect, it } from 'vitest';
import { HOSPITALS, type HospitalName } from './hospitals.js';
import { writePhantom } from './phantom.js';

const root = mkdtempSync(join(tmpdir(), 'consilium-phantom-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
async function written(hospital: HospitalName, seed = 1, site = `hospital-${hospital}`): Promise<string> {
  const out = join(root, String(folders++));
  await writePhantom({ out, seed, hospital, siteName: siteName(site) });
  return out;
}

/** SHA-256 over all files' names and bytes, in the order of their names. */
function folderDigest(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (name.includes('.')) hash.update(name).update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex');
}

describe('writePhantom', () => {
  it('writes the same bytes for the same order, today and in every release', async () => {
    const digest = folderDigest(await written('d'));
    expect(folderDigest(await written('d'))).toBe(digest);
    // Golden: a changed phantom changes every published figure, so it must be a decision.
    expect(digest).toBe('670b826b90c87f1b46276ddd4e985dfac5a61439ad038f0f0c9d14f129d76fd1');
  });

  it('writes other patients for another seed and for another site of the same hospital', async () => {
    const orders = [await written('external'), await written('external', 2), await written('external', 1, 'elsewhere')];
    expect(new Set(orders.map(folderDigest)).size).toBe(3);
  });

  it('writes the labels of every image, with the patient and split, and says how many', async () => {
    const out = join(root, 'labels');
    const { examples } = await writePhantom({ out, seed: 1, hospital: 'd', siteName: siteName('hospital-d') });
    const [header, ...rows] = readFileSync(join(out, 'labels.csv'), 'utf8').trimEnd().split('\n');
    expect(header).toBe('file,patient,label,split');
    expect(rows).toHaveLength(examples);
    expect(examples).toBe(HOSPITALS.d.examples.train + HOSPITALS.d.examples.test);
    for (const row of rows) expect(row).toMatch(/^images\/\d{4}\.dcm,PHANTOM-\d{4},(no-nodule|nodule),(train|test)$/);
    expect(readdirSync(join(out, 'images'))).toHaveLength(examples);
  });

  it('says in every file that it is a synthetic phantom and nobody’s image', async () => {
    const file = readFileSync(join(await written('external'), 'images', '0001.dcm')).toString('latin1');
    for (const told of ['PHANTOM^', 'SYN', 'CONSILIUM PHANTOM', 'hospital-external']) expect(file).toContain(told);
  });

  it('leaves no labels when it is stopped half-way, so that a half folder is never taken for a whole one', async () => {
    const again = await written('external');
    rmSync(join(again, 'images', '0002.dcm'));
    mkdirSync(join(again, 'images', '0002.dcm'));
    await expect(writePhantom({ out: again, seed: 2, hospital: 'external', siteName: siteName('x') })).rejects.toThrow(
      Fault,
    );
    expect(readdirSync(again)).not.toContain('labels.csv');
  });

  it('tells nothing of the path when the folder cannot be written', async () => {
    writeFileSync(join(root, 'file-named-secret'), '');
    const order = {
      out: join(root, 'file-named-secret', 'x'),
      seed: 1,
      hospital: 'd',
      siteName: siteName('x'),
    } as const;
    await expect(writePhantom(order)).rejects.toSatisfy(
      (error) => Fault.is(error) && !error.message.includes('secret'),
    );
  });
});
