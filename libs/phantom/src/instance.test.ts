import { siteName } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { drawCohort, type Candidate } from './cohort.js';
import { SIDE } from './field.js';
import { HOSPITALS, type HospitalName } from './hospitals.js';
import { encodeInstance, patientId } from './instance.js';
import { readElements, ReadFile } from './read-dicom.fixture.js';
import { rendererOf, store } from './render.js';

const NAMES = Object.keys(HOSPITALS) as HospitalName[];
const site = siteName('hospital-x');

function encode(name: HospitalName, candidate: Candidate, seed = 1): Uint8Array {
  const hospital = HOSPITALS[name];
  const grey = rendererOf(hospital, seed)(candidate);
  return encodeInstance(candidate, hospital, site, store(grey, hospital.storage), seed);
}

const some = (name: HospitalName): readonly Candidate[] => drawCohort(HOSPITALS[name], 1).slice(0, 4);

describe.each(NAMES)('a file of hospital %s', (name) => {
  const { storage } = HOSPITALS[name];
  const candidate = some(name)[0]!;
  const file = encode(name, candidate);
  const read = new ReadFile(file);

  it('has its elements in strictly ascending order, each of even length', () => {
    const elements = readElements(file);
    const tags = elements.map(({ tag }) => tag);
    expect(tags).toEqual([...new Set(tags)].sort());
    for (const { tag, value } of elements) expect([tag, value.length % 2]).toEqual([tag, 0]);
  });

  it('has every attribute that its class of image requires (PS3.3 A.8, types 1 and 2)', () => {
    const required = ['00080016', '00080018', '00100010', '00100020', '00100030', '00100040', '0020000d', '0020000e'];
    const study = [
      '00080020',
      '00080030',
      '00080050',
      '00080090',
      '00200010',
      '00200011',
      '00200013',
      '00200020',
      '00200060',
    ];
    const image = [
      '00080060',
      '00080064',
      '00280002',
      '00280004',
      '00280010',
      '00280011',
      '00280100',
      '00280101',
      '00280102',
      '00280103',
    ];
    for (const tag of [...required, ...study, ...image, '7fe00010']) expect([tag, read.has(tag)]).toEqual([tag, true]);
  });

  it('names its class and instance alike in the file meta information and in the data set', () => {
    expect(read.text('00020002')).toBe(read.text('00080016'));
    expect(read.text('00020003')).toBe(read.text('00080018'));
    expect(read.text('00020010')).toBe('1.2.840.10008.1.2.1');
  });

  it('describes its pixels as the hospital stores them', () => {
    expect([read.number('00280010'), read.number('00280011')]).toEqual([SIDE, SIDE]);
    expect(read.text('00280004')).toBe(storage.photometricInterpretation);
    expect([read.number('00280100'), read.number('00280101'), read.number('00280102')]).toEqual([
      16,
      storage.bitsStored,
      storage.bitsStored - 1,
    ]);
    expect(read.number('00280103')).toBe(storage.rescale ? 1 : 0);
    expect(read.text('00281053')).toBe(storage.rescale?.slope.toString());
    expect(read.text('00281052')).toBe(storage.rescale?.intercept.toString());
  });

  it('gives back the rendered image to within half a stored step', () => {
    const grey = rendererOf(HOSPITALS[name], 1)(candidate);
    const largest = 2 ** storage.bitsStored - 1;
    const lowest = storage.rescale ? -(2 ** (storage.bitsStored - 1)) : 0;
    const pixels = read.pixels(storage.rescale !== undefined);
    expect(pixels).toHaveLength(SIDE * SIDE);
    pixels.forEach((stored, i) => {
      const share = (stored - lowest) / largest;
      const shown = storage.photometricInterpretation === 'MONOCHROME1' ? 1 - share : share;
      expect(Math.abs(shown - grey[i]!)).toBeLessThanOrEqual(0.5 / largest + 1e-12);
    });
  });
});

describe('instances', () => {
  const files = some('a').map((candidate) => ({ candidate, read: new ReadFile(encode('a', candidate)) }));

  it('have UIDs of 64 characters at most, digits and dots, without leading zeros (PS3.5 9.1)', () => {
    for (const { read } of files) {
      for (const tag of ['00020012', '00080018', '0020000d', '0020000e']) {
        expect(read.text(tag)).toMatch(/^2\.25\.[1-9]\d{0,38}$/);
        // A UUID of version 8 and the variant of RFC 9562.
        const uuid = BigInt(read.text(tag)!.slice(5)).toString(16).padStart(32, '0');
        expect(uuid).toMatch(/^[0-9a-f]{12}8[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
      }
    }
  });

  it('share their study with the same patient’s others and nothing with anybody else’s', () => {
    const cohort = drawCohort(HOSPITALS.a, 1);
    const twice = cohort.find(({ image }) => image === 2)!;
    const once = cohort.find(({ patient, image }) => patient === twice.patient && image === 1)!;
    const other = cohort.find(({ patient }) => patient !== twice.patient)!;
    const [first, second, third] = [once, twice, other].map((candidate) => new ReadFile(encode('a', candidate))) as [
      ReadFile,
      ReadFile,
      ReadFile,
    ];
    expect(second.text('0020000d')).toBe(first.text('0020000d'));
    expect(second.text('00080018')).not.toBe(first.text('00080018'));
    expect(second.text('00100020')).toBe(first.text('00100020'));
    expect(third.text('0020000d')).not.toBe(first.text('0020000d'));
  });

  it('of another seed have other UIDs', () => {
    const [candidate] = some('a');
    const [one, two] = [1, 2].map((seed) => new ReadFile(encode('a', candidate!, seed)).text('00080018'));
    expect(one).not.toBe(two);
  });

  it('carry their patient’s phantom id and say that they are phantoms', () => {
    for (const { candidate, read } of files) {
      expect(read.text('00100020')).toBe(patientId(candidate));
      expect(read.text('00100010')).toMatch(/^PHANTOM\^\d{4}$/);
      expect(read.text('00280300')).toBe('YES');
      expect(read.text('00080080')).toBe('hospital-x');
    }
  });

  it('say truly whether a marker is burned in', () => {
    for (const name of NAMES) {
      for (const marked of [false, true]) {
        const read = new ReadFile(encode(name, { ...some(name)[0]!, marked }));
        expect(read.text('00280301')).toBe(marked ? 'YES' : 'NO');
      }
    }
  });

  it('never tell the label in their header', () => {
    const [candidate] = some('d');
    const header = (label: 0 | 1): string[] =>
      readElements(encode('d', { ...candidate!, label }))
        .filter(({ tag }) => tag !== '7fe00010')
        .map(({ tag, value }) => tag + value.toString('hex'));
    expect(header(1)).toEqual(header(0));
  });
});
