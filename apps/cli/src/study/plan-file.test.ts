import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePlan, planDigest } from '@consilium/round';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PLAN_YAML } from '../testing/plan.fixture.js';
import { parsePlanText, problemLines, readPlanFile } from './plan-file.js';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'consilium-plan-'))));
afterEach(() => rm(folder, { recursive: true }));

const problemsOf = (change: (text: string) => string): string[] => problemLines(parsePlanText(change(PLAN_YAML)));

describe('a plan’s file', () => {
  it('is YAML or JSON, and both are the same plan', async () => {
    await writeFile(join(folder, 'p.yaml'), PLAN_YAML);
    const fromYaml = await readPlanFile(join(folder, 'p.yaml'));
    await writeFile(join(folder, 'p.json'), JSON.stringify(fromYaml.value));
    const fromJson = await readPlanFile(join(folder, 'p.json'));
    expect(planDigest(parsePlan(fromJson.value))).toBe(planDigest(parsePlan(fromYaml.value)));
  });

  it.each(['absent.yaml', '.'])('that cannot be read (%s) is PLAN_UNREADABLE', async (name) => {
    await expect(readPlanFile(join(folder, name))).rejects.toMatchObject({ code: 'PLAN_UNREADABLE' });
  });

  it('that is too large is PLAN_UNREADABLE before it is read', async () => {
    await writeFile(join(folder, 'large.yaml'), `title: ${'x'.repeat(1024 * 1024)}`);
    await expect(readPlanFile(join(folder, 'large.yaml'))).rejects.toMatchObject({
      code: 'PLAN_UNREADABLE',
      facts: { bytesMax: 1048576 },
    });
  });

  it('that is not YAML names the line and column where reading stopped', () => {
    expect(() => parsePlanText('schema: x\nsites: [a, b\ntitle: y: z\n')).toThrowError(
      expect.objectContaining({ code: 'PLAN_UNREADABLE', facts: { line: 3, column: 1 } }),
    );
  });

  it('may not say the same thing twice', () => {
    expect(() => parsePlanText('seed: 1\nseed: 2\n')).toThrowError(
      expect.objectContaining({ code: 'PLAN_UNREADABLE' }),
    );
  });

  it('may not make gigabytes of a few nested aliases', () => {
    const nested = Array.from(
      { length: 12 },
      (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]`,
    );
    expect(() => parsePlanText(['a0: &a0 [x]', ...nested].join('\n'))).toThrowError(
      expect.objectContaining({ code: 'PLAN_UNREADABLE' }),
    );
  });

  it('has no tags that make anything but data', () => {
    expect(parsePlanText('seed: 2001-12-14').value).toEqual({ seed: '2001-12-14' });
    expect(parsePlanText('title: !!js/function "x"').value).toEqual({ title: 'x' });
  });

  it('says no as false only where it is written false, as in YAML 1.2', () => {
    expect(parsePlanText('bias: no').value).toEqual({ bias: 'no' });
    expect(parsePlanText('bias: false').value).toEqual({ bias: false });
  });
});

describe('the problems of a plan', () => {
  it('are none for a good one', () => {
    expect(problemsOf((text) => text)).toEqual([]);
  });

  it('name the path, what was expected, what came, and the line', () => {
    expect(problemsOf((text) => text.replace('minSites: 2', 'minSites: 3'))).toEqual([
      'rounds.minSites: expected at most the number of sites, came an object (line 26)',
    ]);
  });

  it('are told all at once', () => {
    const lines = problemsOf((text) => text.replace('batchSize: 8', 'batchSize: many').replace('seed: 1', 'sede: 1'));
    expect(lines.map((line) => line.split(':')[0])).toEqual(
      expect.arrayContaining(['training.batchSize', 'seed', '(top)']),
    );
    expect(lines.find((line) => line.startsWith('training.batchSize'))).toMatch(/came a string \(line 22\)$/);
  });

  it('for something missing give the line of what should hold it', () => {
    expect(problemsOf((text) => text.replace('  deadlineSeconds: 60\n', ''))[0]).toBe(
      'rounds.deadlineSeconds: expected number, came nothing (line 24)',
    );
  });

  it('find their line inside lists too', () => {
    expect(problemsOf((text) => text.replace('units: 1 }', 'units: 2 }')).join()).toMatch(
      /model\.layers\.2: expected \[1\], came \[2\] \(line 18\)/,
    );
  });

  it('name a privacy mode that is not supported yet', () => {
    expect(problemsOf((text) => text.replace('mode: plain', 'mode: private')).join()).toMatch(
      /^privacy\.mode: expected plain.* \(line 32\)$/,
    );
  });

  it('name fields of differential privacy, which would promise what is not done', () => {
    expect(problemsOf((text) => text.replace('mode: plain', 'mode: plain\n  noiseMultiplier: 1.1')).join()).toContain(
      'privacy.noiseMultiplier',
    );
  });

  it('are told of a file that is no mapping at all', () => {
    expect(problemLines(parsePlanText('hello'))[0]).toMatch(/^\(top\): expected /);
    expect(problemLines(parsePlanText(''))[0]).toMatch(/^\(top\): expected /);
  });

  it('say what was expected in one way, whoever said it', () => {
    const lines = problemsOf((text) =>
      text
        .replace('count: 3', 'count: 0')
        .replace('normalise: unit', 'normalise: loudly')
        .replace('seed: 1', 'seed: 1\nsede: 1'),
    );
    expect(lines).toEqual([
      'preprocessing.normalise: expected one of "per-image"|"unit", came a string (line 13)',
      'rounds.count: expected number to be >=1, came a number (line 25)',
      '(top): expected no field "sede", came an object (line 2)',
    ]);
  });

  it('never repeat a value, which may be a secret that was pasted', () => {
    expect(problemsOf((text) => text.replace('batchSize: 8', 'batchSize: hunter2')).join()).not.toContain('hunter2');
  });
});
