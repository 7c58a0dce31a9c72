import type { Digest, RunId, SiteName, StudyName } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryRegistry, MemoryRunStore, MemoryStudyStore, MemoryTables } from '../adapters/memory/stores.js';
import { alpha, beta, gamma, governance, planOf } from '../fixtures/plan.fixture.js';
import { Caller } from './caller.js';
import { Objects } from './objects.js';
import { newPersonId } from './person-id.js';
import type { Grant } from './roles.js';

const trial = 'trial' as StudyName;
const RUN = 'run-0000000000' as RunId;
const MODEL = 'c'.repeat(64) as Digest;
const { record } = planOf({ sites: ['alpha', 'beta'] });

let tables: MemoryTables;
let objects: Objects;
let asked: number;
beforeEach(async () => {
  tables = new MemoryTables();
  asked = 0;
  const studies = new MemoryStudyStore(tables);
  const findPlan = studies.findPlan.bind(studies);
  studies.findPlan = (digest) => (asked++, findPlan(digest));
  objects = new Objects({ studies, runs: new MemoryRunStore(tables), registry: new MemoryRegistry(tables) });
  const terms = { ...governance(), sites: [alpha, gamma] };
  await studies.create({ name: trial, title: 'T', purpose: 'P', terms, document: null, createdMs: 1 });
  await studies.createPlan(record);
  const run = { id: RUN, planDigest: record.digest, revision: 1, modelDigest: MODEL, standings: {} };
  tables.runs.set(RUN, { ...run, state: { phase: 'cancelled' }, deadlineMs: null, createdMs: 1, endedMs: 2 });
  const version = { run: RUN, digest: MODEL, planDigest: record.digest, round: 1, createdMs: 1 };
  tables.versions.set(RUN, { ...version, manifest: { tensors: [], size: 0 }, metrics: [], rounds: [] });
});

describe('an object', () => {
  it('belongs to the study and the sites of its plan', async () => {
    const scope = { study: trial, sites: [alpha, beta] };
    expect(await objects.find('plan', record.digest)).toEqual(scope);
    expect(await objects.find('run', RUN)).toEqual(scope);
    expect(await objects.find('model', MODEL)).toEqual(scope);
  });

  it('that is a study belongs to the sites that it names and those that its plans ask', async () => {
    expect(await objects.find('study', trial)).toEqual({ study: trial, sites: [alpha, gamma, beta] });
  });

  it('that is a site belongs to itself', async () => {
    expect(await objects.find('site', 'alpha')).toEqual({ sites: [alpha] });
  });

  it('that is not there is nobody’s, and what is no name is not looked for', async () => {
    for (const kind of ['study', 'plan', 'run', 'model'] as const)
      for (const id of ['none', '', 'x'.repeat(65), 'a/b', 'A', '\0', '__proto__'])
        expect(await objects.find(kind, id)).toBeUndefined();
    expect(await objects.find('site', 'no\0site')).toBeUndefined();
    expect(asked).toBe(1);
  });

  it('is looked up once: a plan never changes', async () => {
    for (let i = 0; i < 5; i++) await objects.find('run', RUN);
    expect(asked).toBe(1);
  });
});

describe('a list', () => {
  const shown = async (...grants: Grant[]): Promise<string[]> => {
    const caller = new Caller(newPersonId(), grants, 0);
    return objects.narrow(caller, [record.digest, 'f'.repeat(64)], 'plan', (digest) => digest);
  };

  it('is narrowed to what its reader may see', async () => {
    expect(await shown({ role: 'researcher', study: trial })).toEqual([record.digest]);
    expect(await shown({ role: 'site-operator', site: beta })).toEqual([record.digest]);
    expect(await shown({ role: 'site-operator', site: gamma })).toEqual([]);
    expect(await shown({ role: 'researcher', study: 'tria' as StudyName })).toEqual([]);
    expect(await shown({ role: 'data-protection-officer', site: 'alph' as SiteName })).toEqual([]);
    expect(await shown()).toEqual([]);
  });

  it('is whole to whoever sees the federation', async () => {
    expect(await shown({ role: 'auditor' })).toHaveLength(2);
  });
});
