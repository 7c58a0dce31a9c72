import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readStudyFile, studyText } from './study-file.js';
import { TEMPLATES } from './template-names.js';
import { templateValue } from './templates.js';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'consilium-study-'))));
afterEach(() => rm(folder, { recursive: true }));

async function read(text: string): Promise<unknown> {
  await writeFile(join(folder, 's.yaml'), text);
  return readStudyFile(join(folder, 's.yaml'));
}
const STUDY = `title: T
purpose: P
legalBasis: national-law
ethics: { number: EK 1, authority: Board, expires: 2030-01-31 }
jurisdictions: [DE, DK]
sites: [north, south]
dataContract: { modality: CT, minPatients: 5, deidentified: true }
`;

describe('a study’s file', () => {
  it('is what the coordinator asks for', async () => {
    expect(await read(STUDY)).toEqual({
      title: 'T',
      purpose: 'P',
      legalBasis: 'national-law',
      ethics: { number: 'EK 1', authority: 'Board', expires: '2030-01-31' },
      jurisdictions: ['DE', 'DK'],
      sites: ['north', 'south'],
      dataContract: { modality: 'CT', minPatients: 5, deidentified: true },
    });
  });

  it.each(TEMPLATES)('made of template %s reads back as the plan’s own terms', async (template) => {
    const value = await templateValue(template);
    const { title, purpose, governance, sites } = value as Record<string, object>;
    expect(await read(studyText(value))).toEqual({ title, purpose, ...governance, sites });
  });

  it.each([
    ['legalBasis: national-law', 'legalBasis: because', { path: 'legalBasis', line: 3 }],
    ['2030-01-31', '2030-02-31', { path: 'ethics.expires', line: 4 }],
    ['[DE, DK]', '[DE, EU]', { path: 'jurisdictions.1', line: 5 }],
    ['deidentified: true', 'deidentified: false', { path: 'dataContract.deidentified', line: 7 }],
    ['sites: [north, south]', 'sites: []', { path: 'sites', line: 6 }],
    ['title: T', 'titel: T', { path: 'title' }],
  ])('with %s changed to %s tells where it is wrong', async (before, after, facts) => {
    await expect(read(STUDY.replace(before, after))).rejects.toMatchObject({ code: 'REQUEST_INVALID', facts });
  });

  it('that is a plan without governance names what is missing', async () => {
    const plan = 'schema: consilium.plan/1\ntitle: T\npurpose: P\nsites: [north]\n';
    await expect(read(plan)).rejects.toMatchObject({ code: 'REQUEST_INVALID', facts: { path: 'governance' } });
  });

  it('that is not there is PLAN_UNREADABLE', async () => {
    await expect(readStudyFile(join(folder, 'none.yaml'))).rejects.toMatchObject({ code: 'PLAN_UNREADABLE' });
  });
});
