import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePlan, planProblems } from '@consilium/round';
import { studyName } from '@consilium/stdx';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PLAN_YAML } from '../testing/plan.fixture.js';
import { parsePlanText } from './plan-file.js';
import { privacyLines } from './privacy.js';
import { scaffold, scaffoldText, SCHEMA_LINE, schemaText } from './scaffold.js';
import { TEMPLATES } from './template-names.js';
import { readStudyFile } from './study-file.js';
import { templateText, templateValue } from './templates.js';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'consilium-scaffold-'))));
afterEach(() => rm(folder, { recursive: true }));

describe('a new plan', () => {
  it('has the study’s name, the schema’s line on top, and the template’s comments', () => {
    const text = scaffoldText(PLAN_YAML, studyName('chest'));
    expect(text.split('\n')[0]).toBe(SCHEMA_LINE);
    expect(text.match(/yaml-language-server/g)).toHaveLength(1);
    expect(text).toContain('\nstudy: chest\n');
    expect(text).toContain('# the second counts as positive');
  });

  it('differs from the template in nothing else', () => {
    const before = parsePlanText(PLAN_YAML).value as object;
    expect(parsePlanText(scaffoldText(PLAN_YAML, studyName('chest'))).value).toEqual({ ...before, study: 'chest' });
  });

  it.each(TEMPLATES)('from template %s is valid as it is written', async (template) => {
    const written = await scaffold('mine', template, join(folder, 'mine.yaml'));
    const { value } = parsePlanText(await readFile(written.plan, 'utf8'));
    expect(planProblems(value)).toEqual([]);
    expect(parsePlan(value).study).toBe('mine');
    expect((await readdir(folder)).sort()).toEqual(['mine.study.yaml', 'mine.yaml', 'plan.schema.json']);
    const { name, ...study } = { name: 'mine', ...(await readStudyFile(written.study)) };
    expect({ name, ...study }).toEqual({ name, ...(await readStudyFile(written.plan)) });
  });

  it('is not written over another', async () => {
    const file = join(folder, 'mine.yaml');
    await scaffold('mine', 'lung-nodule', file);
    await expect(scaffold('mine', 'breast-ultrasound', file)).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    expect(await readFile(file, 'utf8')).toBe(scaffoldText(await templateText('lung-nodule'), studyName('mine')));
  });
});

describe('the plan’s JSON Schema', () => {
  const ajv = new Ajv2020({ strict: false, formats: { date: true } });

  it('in schemas/ is the one that the code makes', async () => {
    const committed = await readFile(new URL('../../schemas/plan.schema.json', import.meta.url), 'utf8');
    expect(JSON.parse(committed)).toEqual(JSON.parse(schemaText()));
  });

  it.each(TEMPLATES)('accepts template %s', async (template) => {
    const accepts = ajv.compile(JSON.parse(schemaText()));
    expect(accepts(await templateValue(template)), JSON.stringify(accepts.errors)).toBe(true);
  });

  it('accepts what leaves out the fields that have defaults', () => {
    expect(ajv.compile(JSON.parse(schemaText()))(parsePlanText(PLAN_YAML).value)).toBe(true);
  });

  it('refuses an unknown field and a wrong kind', () => {
    const accepts = ajv.compile(JSON.parse(schemaText()));
    const plan = parsePlanText(PLAN_YAML).value as object;
    expect(accepts({ ...plan, code: 'rm -rf' })).toBe(false);
    expect(accepts({ ...plan, seed: 'one' })).toBe(false);
  });
});

describe('the templates', () => {
  it.each(TEMPLATES)('%s says that it is plain', async (template) => {
    expect(await templateValue(template)).toMatchObject({ privacy: { mode: 'plain' } });
  });
});

describe('what a privacy mode means', () => {
  it('plain: the coordinator sees each update, and updates can reveal images', () => {
    expect(privacyLines('plain', 80)).toEqual([
      'privacy.mode plain: images stay at the sites, but the coordinator sees each',
      'site’s update, and updates can reveal images. Agree to it only where the',
      'coordinator may be trusted with them.',
    ]);
  });

  it('an unknown one is not passed off as a known one', () => {
    expect(privacyLines('private', 80)).toEqual(['privacy.mode private: not known to this release.']);
  });
});
