import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Fault, type Code } from '@consilium/stdx';
import { afterAll, describe, expect, it } from 'vitest';
import { Collector, IMAGES_BYTES_MAX } from './collector.js';
import { dicomFile } from './dicom/file.fixture.js';
import { loadSiteData } from './load.js';
import type { ImageSpec } from './site-data.js';

const root = mkdtempSync(join(tmpdir(), 'consilium-load-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const spec: ImageSpec = { size: [2, 3], normalise: 'per-image', classes: ['benign', 'malignant'] };
const words = (...values: number[]) => new Uint8Array(Uint16Array.from(values).buffer);
const image = (first: number) => dicomFile({ PixelData: words(first, 1, 2, 3, 4, 5) });

let folders = 0;
function folder(files: Readonly<Record<string, Uint8Array | string>>): string {
  const path = join(root, String(folders++));
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

const labels = (...rows: string[]): string => ['file,patient,label,split', ...rows, ''].join('\n');
const four = {
  'labels.csv': labels(
    'a.dcm,P1,malignant,train',
    'b.dcm,P1,benign,train',
    'deep/c.dcm,P2,malignant,test',
    'd.dcm,P3,benign,test',
  ),
  'a.dcm': image(10),
  'b.dcm': image(20),
  'deep/c.dcm': image(30),
  'd.dcm': image(40),
};

async function refusal(path: string, ...rest: [ImageSpec?, ('train' | 'test')[]?]): Promise<Fault> {
  const error: unknown = await loadSiteData(path, rest[0] ?? spec, rest[1]).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Fault);
  return error as Fault;
}

describe('a folder of DICOM files', () => {
  it('becomes two splits of normalised images with their labels and numbers of patients', async () => {
    const { train, test, manifest } = await loadSiteData(folder(four), spec);
    expect(train).toMatchObject({ count: 2, patients: 1, labels: Uint8Array.of(1, 0) });
    expect(test).toMatchObject({ count: 2, patients: 2, labels: Uint8Array.of(1, 0) });
    expect(train.images).toHaveLength(2 * 2 * 3);
    const [mean, deviation] = [25 / 6, Math.sqrt(155 / 6 - (25 / 6) ** 2)];
    expect(train.images[0]).toBeCloseTo((10 - mean) / deviation, 5);
    expect(manifest).toMatchObject({
      format: 'dicom',
      train: { examples: 2, patients: 1, positives: 1 },
      test: { examples: 2, patients: 2, positives: 1 },
    });
  });

  it('shows a MONOCHROME1 image as its MONOCHROME2 twin', async () => {
    const twin = dicomFile({
      PhotometricInterpretation: 'MONOCHROME1',
      PixelData: words(...[10, 1, 2, 3, 4, 5].map((value) => 65_535 - value)),
    });
    const [plain, inverted] = [
      await loadSiteData(folder(four), spec),
      await loadSiteData(folder({ ...four, 'a.dcm': twin }), spec),
    ];
    inverted.train.images.forEach((value, i) => expect(value).toBeCloseTo(plain.train.images[i]!, 5));
  });

  it('is resized to what the plan wants, whatever sizes its images have', async () => {
    const wide = dicomFile({ Rows: 1, Columns: 6 });
    const { train } = await loadSiteData(folder({ ...four, 'a.dcm': wide }), {
      ...spec,
      size: [1, 1],
      normalise: 'unit',
    });
    expect(train.images).toHaveLength(2);
    expect(train.images[0]).toBeCloseTo(2.5 / 65_535, 9);
  });

  it('may have one class only', async () => {
    const { manifest } = await loadSiteData(
      folder({ ...four, 'labels.csv': labels('a.dcm,P1,benign,train', 'd.dcm,P3,benign,test') }),
      spec,
    );
    expect(manifest.train.positives + manifest.test.positives).toBe(0);
  });

  it('without training images is enough to measure on, and refused where the plan trains', async () => {
    const external = folder({ ...four, 'labels.csv': labels('d.dcm,P3,benign,test') });
    expect((await loadSiteData(external, spec)).train).toMatchObject({ count: 0, patients: 0 });
    expect((await refusal(external, spec, ['train', 'test'])).facts).toEqual({ split: 'train' });
  });

  it('without test images is refused', async () => {
    const fault = await refusal(folder({ ...four, 'labels.csv': labels('a.dcm,P1,benign,train') }));
    expect([fault.code, fault.facts]).toEqual(['DATA_EMPTY', { split: 'test' }]);
  });
});

describe('the digest of a folder', () => {
  const digest = async (files: Readonly<Record<string, Uint8Array | string>>) =>
    (await loadSiteData(folder(files), spec)).manifest.digest;

  it('does not depend on the order of the labels, on file names or patient ids', async () => {
    const renamed = {
      'labels.csv': labels(
        'z.dcm,X3,benign,test',
        'x.dcm,X1,malignant,train',
        'y.dcm,X1,benign,train',
        'w.dcm,X2,malignant,test',
      ),
      'x.dcm': image(10),
      'y.dcm': image(20),
      'w.dcm': image(30),
      'z.dcm': image(40),
    };
    expect(await digest(renamed)).toBe(await digest(four));
  });

  it('changes with one byte of one image, one label and one split', async () => {
    const changed = [
      four,
      { ...four, 'd.dcm': image(41) },
      { ...four, 'labels.csv': four['labels.csv'].replace('P3,benign', 'P3,malignant') },
      { ...four, 'labels.csv': four['labels.csv'].replace('P3,benign,test', 'P3,benign,train') },
    ];
    expect(new Set(await Promise.all(changed.map(digest))).size).toBe(changed.length);
  });
});

describe('bad input', () => {
  it.each<[string, Readonly<Record<string, Uint8Array | string>>, Code, object]>([
    ['an unreadable file', { 'd.dcm': image(40).subarray(0, 200) }, 'DATA_UNREADABLE', { row: 5 }],
    ['a file that is no image', { 'd.dcm': 'a report' }, 'DATA_NOT_AN_IMAGE', { row: 5 }],
    [
      'a compressed file',
      { 'd.dcm': dicomFile({}, '1.2.840.10008.1.2.4.90') },
      'DATA_TRANSFER_SYNTAX_UNSUPPORTED',
      { row: 5, transferSyntax: 'JPEG 2000' },
    ],
    ['a path out of the folder', { 'labels.csv': labels('../a.dcm,P1,benign,test') }, 'DATA_PATH_REFUSED', { row: 2 }],
    ['a missing file', { 'labels.csv': labels('JANE_DOE.dcm,P1,benign,test') }, 'DATA_UNREADABLE', { row: 2 }],
    ['an unknown label', { 'labels.csv': labels('a.dcm,P1,odd,test') }, 'DATA_LABEL_UNKNOWN', { row: 2 }],
    [
      'a patient in both splits',
      { 'labels.csv': labels('a.dcm,P1,benign,test', 'b.dcm,P1,benign,train') },
      'DATA_PATIENT_IN_TWO_SPLITS',
      { row: 3, otherRow: 2 },
    ],
  ])('%s has its own code, with the row and nothing of the file', async (_, change, code, facts) => {
    const fault = await refusal(folder({ ...four, ...change }));
    expect(fault.code).toBe(code);
    expect(fault.facts).toMatchObject(facts);
    expect(fault.cause).toBeUndefined();
    for (const told of ['.dcm', 'P1', 'JANE', root]) expect(fault.message).not.toContain(told);
  });

  it('without labels or archive is an empty site', async () => {
    expect((await refusal(folder({ 'a.dcm': image(1) }))).code).toBe('DATA_EMPTY');
    expect((await refusal(folder({}))).code).toBe('DATA_EMPTY');
  });

  it('with two archives is refused rather than guessed at', async () => {
    expect((await refusal(folder({ 'a.npz': '', 'b.npz': '' }))).facts).toMatchObject({ npzFiles: 2 });
  });

  it('that asks for more memory than allowed is refused before any is taken', () => {
    const big: ImageSpec = { ...spec, size: [512, 512] };
    const count = IMAGES_BYTES_MAX / (512 * 512 * 4);
    expect(() => new Collector(big, { train: count, test: 1 })).toThrow(Fault);
  });

  it('leaves the folder as it was', async () => {
    const path = folder({ ...four, 'd.dcm': 'broken' });
    await refusal(path);
    renameSync(path, `${path}-moved`);
    expect((await refusal(path)).code).toBe('DATA_UNREADABLE');
  });
});
