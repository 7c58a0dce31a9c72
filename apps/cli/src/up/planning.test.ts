import { planDigest } from '@consilium/round';
import { digest, digestOfJson, NAME_PATTERN } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunListed } from '../api/shapes.js';
import { hasEnded, RUN_STATES } from '../run/states.js';
import { parsePlanText } from '../study/plan-file.js';
import { TEMPLATES } from '../study/template-names.js';
import { templateValue } from '../study/templates.js';
import { PLAN_YAML } from '../testing/plan.fixture.js';
import { checkOptions, type UpOptions } from './options.js';
import { dataKey, decideRun, planFor, scannerOf, siteNames, studyFor } from './planning.js';
import { JURISDICTION } from './settings.js';

const template = parsePlanText(PLAN_YAML).value as Record<string, unknown>;
const options = { sites: 4, seed: 1 };

describe('the sites of a demonstration', () => {
  it('are named after the alphabet, and by number after it', () => {
    expect(siteNames(4)).toEqual(['hospital-a', 'hospital-b', 'hospital-c', 'hospital-d']);
    expect(siteNames(28).slice(25)).toEqual(['hospital-z', 'hospital-27', 'hospital-28']);
  });

  it('have names that a plan accepts, each once', () => {
    const names = siteNames(32);
    expect(new Set(names).size).toBe(32);
    for (const name of names) expect(name).toMatch(NAME_PATTERN);
  });

  it('share the four scanners in turn', () => {
    expect([0, 1, 2, 3, 4].map(scannerOf)).toEqual(['a', 'b', 'c', 'd', 'a']);
  });
});

describe('the plan of a demonstration', () => {
  it('takes sites, rounds and seed from the options and all else from the template', () => {
    const plan = planFor(template, { ...options, rounds: 7, seed: 3 });
    expect(plan.sites).toEqual(siteNames(4));
    expect(plan.rounds.count).toBe(7);
    expect(plan.seed).toBe(3);
    expect(plan.model).toEqual(planFor(template, options).model);
    expect(planFor(template, options).rounds.count).toBe(3);
  });

  it('has all sites as its quorum', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 32 }), (sites) => {
        expect(planFor(template, { sites, seed: 1 }).rounds.minSites).toBe(sites);
      }),
    );
  });

  it('has the updates kept, so that an auditor can compute each model again', () => {
    expect(planFor(template, options).audit).toEqual({ retainUpdates: true });
  });

  it('is the same plan for the same options', () => {
    expect(planDigest(planFor(template, options))).toBe(planDigest(planFor(template, { ...options })));
  });

  it('is another plan for other options or another data file', () => {
    const file = digest('b'.repeat(64));
    const plans = [
      planFor(template, options),
      planFor(template, { ...options, sites: 3 }),
      planFor(template, { ...options, rounds: 4 }),
      planFor(template, { ...options, seed: 2 }),
      planFor(template, options, file),
      planFor(template, options, digest('c'.repeat(64))),
    ];
    expect(new Set(plans.map(planDigest)).size).toBe(plans.length);
    expect(plans[4]!.purpose).toBe(`To test with. Images: the file of SHA-256 ${file}.`);
  });
});

describe('the study of a demonstration', () => {
  const words = { title: 'A title', purpose: 'A purpose' };

  it.each(TEMPLATES)('has the governance of template %s', async (name) => {
    const plan = planFor(await templateValue(name), options);
    expect(studyFor(plan, words)).toMatchObject({ name, ...words, ...plan.governance });
    expect(plan.governance!.jurisdictions).toContain(JURISDICTION);
  });

  it('is the same whatever the options, since its terms never change', async () => {
    const value = await templateValue('lung-nodule');
    expect(studyFor(planFor(value, { sites: 2, seed: 7, rounds: 3 }), words)).toEqual(
      studyFor(planFor(value, { sites: 32, seed: 1 }), words),
    );
  });
});

describe('the folder of a demonstration’s images', () => {
  const lung = { study: 'lung-nodule', seed: 1, sites: 4 } as const;

  it('is the same for the same options', () => {
    expect(dataKey(lung, '0.1.0')).toBe(dataKey({ ...lung }, '0.1.0'));
    expect(dataKey(lung, '0.1.0')).toMatch(/^lung-nodule-[0-9a-f]{16}$/);
  });

  it('is another one for each option that changes the images', () => {
    const keys = [
      dataKey(lung, '0.1.0'),
      dataKey({ ...lung, seed: 2 }, '0.1.0'),
      dataKey({ ...lung, sites: 3 }, '0.1.0'),
      dataKey({ ...lung, study: 'breast-ultrasound' }, '0.1.0'),
      dataKey(lung, '0.1.0', digestOfJson('file')),
      dataKey(lung, '0.2.0'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});

const listed = (id: string, state: RunListed['state'], planDigest = 'mine', createdMs = 0): RunListed => ({
  id,
  study: 's',
  planDigest,
  state,
  createdMs,
  round: 1,
  rounds: 3,
  modelDigest: null,
});

describe('what to do about the runs that are there', () => {
  it('starts a new run where there is none, or where all have ended', () => {
    expect(decideRun([], 'mine')).toEqual({ pause: [] });
    expect(decideRun([listed('a', 'finished'), listed('b', 'failed'), listed('c', 'cancelled')], 'mine')).toEqual({
      pause: [],
    });
  });

  it('goes on with the unfinished run of the same plan', () => {
    expect(decideRun([listed('a', 'training')], 'mine').resume?.id).toBe('a');
    expect(decideRun([listed('a', 'paused')], 'mine').resume?.id).toBe('a');
  });

  it('pauses unfinished runs of other plans, which would compete for the sites', () => {
    const decision = decideRun(
      [listed('a', 'training', 'other'), listed('b', 'paused', 'other'), listed('c', 'finished', 'other')],
      'mine',
    );
    expect(decision).toEqual({ pause: [expect.objectContaining({ id: 'a' })] });
  });

  it('goes on with the newest of several and pauses the others', () => {
    const decision = decideRun([listed('old', 'training', 'mine', 1), listed('new', 'approval', 'mine', 2)], 'mine');
    expect(decision.resume?.id).toBe('new');
    expect(decision.pause.map((run) => run.id)).toEqual(['old']);
  });

  it('leaves at most one run unpaused, never touches an ended one, and resumes only the same plan', () => {
    const run = fc.record({
      state: fc.constantFrom(...RUN_STATES),
      plan: fc.constantFrom('mine', 'other'),
      createdMs: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(run), (runs) => {
        const all = runs.map(({ state, plan, createdMs }, i) => listed(`r${i}`, state, plan, createdMs));
        const { resume, pause } = decideRun(all, 'mine');
        const active = all.filter((each) => !hasEnded(each.state) && each.state !== 'paused' && each.id !== resume?.id);
        expect(pause.map((each) => each.id)).toEqual(active.map((each) => each.id));
        if (resume) expect([resume.planDigest, hasEnded(resume.state)]).toEqual(['mine', false]);
        else expect(all.filter((each) => each.planDigest === 'mine' && !hasEnded(each.state))).toEqual([]);
      }),
    );
  });
});

describe('options', () => {
  const given: UpOptions = { sites: 4, study: 'lung-nodule', engine: 'auto', seed: 1, state: 's', sandbox: 'on' };

  it('may be left as they are', () => {
    expect(checkOptions(given)).toBe(given);
  });

  it('say that the breast study needs its file', () => {
    expect(() => checkOptions({ ...given, study: 'breast-ultrasound' })).toThrowError(
      expect.objectContaining({ code: 'USAGE', facts: expect.objectContaining({ option: '--data' }) }),
    );
    expect(checkOptions({ ...given, study: 'breast-ultrasound', data: 'x.npz' }).data).toBe('x.npz');
  });

  it('say that the lung study makes its own images', () => {
    expect(() => checkOptions({ ...given, data: 'x.npz' })).toThrowError(expect.objectContaining({ code: 'USAGE' }));
  });
});
