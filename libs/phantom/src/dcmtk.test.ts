import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { siteName } from '@consilium/stdx';
import { afterAll, describe, expect, it } from 'vitest';
import { drawCohort } from './cohort.js';
import { HOSPITALS, type HospitalName } from './hospitals.js';
import { encodeInstance } from './instance.js';
import { rendererOf, store } from './render.js';

const root = mkdtempSync(join(tmpdir(), 'consilium-dcmtk-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const installed = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

/** The first images of a hospital, as files. */
function written(name: HospitalName): string[] {
  const hospital = HOSPITALS[name];
  const render = rendererOf(hospital, 1);
  return drawCohort(hospital, 1)
    .slice(0, 3)
    .map((candidate, i) => {
      const path = join(root, `${name}-${i}.dcm`);
      const pixels = store(render(candidate), hospital.storage);
      writeFileSync(path, encodeInstance(candidate, hospital, siteName(`hospital-${name}`), pixels, 1));
      return path;
    });
}

/** What the program says, and its complaints: lines that DCMTK marks as warning, error or fatal. */
function dump(...args: readonly string[]): { status: number | null; said: string; complaints: string[] } {
  const { stdout, stderr, status } = spawnSync('dcmdump', ['--verbose', ...args], { encoding: 'utf8' });
  const complaints = stderr.split('\n').filter((line) => /^[WEF]:/.test(line));
  return { status, said: stdout, complaints };
}

describe.skipIf(!installed('dcmdump'))('DCMTK (skipped where dcmdump is not installed)', () => {
  it.each(Object.keys(HOSPITALS) as HospitalName[])('reads the files of hospital %s without a complaint', (name) => {
    const { status, complaints, said } = dump(...written(name));
    expect({ status, complaints }).toEqual({ status: 0, complaints: [] });
    expect(said).toContain('=SecondaryCaptureImageStorage');
    expect(said).toContain(`[${HOSPITALS[name].storage.photometricInterpretation}]`);
    expect(said.includes('RescaleSlope')).toBe(HOSPITALS[name].storage.rescale !== undefined);
  });

  it('complains about a file that is cut off (positive control)', () => {
    const [path] = written('a');
    const broken = join(root, 'broken.dcm');
    writeFileSync(broken, Buffer.from('not a data set'));
    expect(dump(broken).complaints.length).toBeGreaterThan(0);
    expect(dump(path!).complaints).toEqual([]);
  });
});

describe.skipIf(!installed('dciodvfy'))('dicom3tools (skipped where dciodvfy is not installed)', () => {
  it.each(Object.keys(HOSPITALS) as HospitalName[])('finds no error in a file of hospital %s', (name) => {
    const { stderr } = spawnSync('dciodvfy', [written(name)[0]!], { encoding: 'utf8' });
    expect(stderr).toContain('SCImage');
    expect(stderr.split('\n').filter((line) => line.startsWith('Error'))).toEqual([]);
  });
});
