import { shapeProblems } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import {
  approvalSchema,
  collectSchema,
  joinSchema,
  policySchema,
  rekeySchema,
  renewSchema,
  rosterSchema,
  studyDocumentSchema,
  updateStatementSchema,
} from '../index.js';
import * as lawful from './documents.fixture.js';
import { payloadTypeOf } from './types.js';

const schemas = {
  roster: [rosterSchema, lawful.roster()],
  study: [studyDocumentSchema, lawful.studyDocument()],
  approval: [approvalSchema, lawful.approval()],
  standing: [approvalSchema, lawful.standing()],
  update: [updateStatementSchema, lawful.update()],
  join: [joinSchema, lawful.join()],
  collect: [collectSchema, lawful.collect()],
  renew: [renewSchema, lawful.renew()],
  rekey: [rekeySchema, lawful.rekey()],
  policy: [policySchema, lawful.policy()],
} as const;
type Name = keyof typeof schemas;
const names = Object.keys(schemas) as Name[];

const problems = (name: Name, more: object): readonly string[] =>
  shapeProblems(schemas[name][0], { ...schemas[name][1], ...more }).map(({ path }) => path);

describe('each document', () => {
  it.each(names)('%s: is taken as it is, and parsing changes nothing of it', (name) => {
    const [schema, document] = schemas[name];
    expect(schema.parse(document)).toEqual(document);
  });

  it.each(names)('%s: is refused without any one of its fields, with one more, or of another schema', (name) => {
    const document: Record<string, unknown> = { ...schemas[name][1] };
    for (const field of Object.keys(document)) {
      const { [field]: _, ...rest } = document;
      expect(shapeProblems(schemas[name][0], rest), field).not.toEqual([]);
    }
    expect(problems(name, { note: '' })).not.toEqual([]);
    expect(problems(name, { schema: `${String(document['schema'])}0` })).toEqual(['schema']);
  });

  it('has a payload type of its own', () => {
    expect(payloadTypeOf('join')).toBe('application/vnd.consilium.join+json');
  });
});

const { publicKeyOf, personNo, digestNo, AT } = lawful;
const roster = lawful.roster();
const [aarhus, berlin] = roster.sites;
const [first, second] = roster.people;

describe('a policy', () => {
  it('remembers a log of each year, and the one that followed a restore', () => {
    for (const origin of ['lung/coordinator/2026', 'lung/site/aarhus/2026', 'lung/site/aarhus/2026-2']) {
      const checkpoints = [{ origin, size: 7, root: digestNo(1) }];
      expect(policySchema.parse({ ...lawful.policy(), checkpoints })).toMatchObject({ checkpoints });
    }
  });
});

describe('what cannot be said', () => {
  const refusals: [string, Name, object, string][] = [
    ['sites out of order', 'roster', { sites: [berlin, aarhus] }, 'sites'],
    ['a site twice', 'roster', { sites: [aarhus, { ...berlin, name: 'aarhus' }] }, 'sites'],
    ['people out of order', 'roster', { people: [second, first] }, 'people'],
    ['two names for one key', 'roster', { people: [first, { ...second, signing: first!.signing }] }, '(top)'],
    ['the coordinator’s key for a site', 'roster', { coordinator: { signing: aarhus!.signing } }, '(top)'],
    ['a first version with a predecessor', 'roster', { previous: digestNo(1) }, 'previous'],
    ['a second version without one', 'roster', { version: 2 }, 'previous'],
    ['a version before the first', 'roster', { version: 0, previous: digestNo(1) }, 'version'],
    ['a person without a role', 'roster', { people: [{ ...first, roles: [] }] }, 'people.0.roles'],
    ['a role twice', 'roster', { people: [{ ...first, roles: ['admin', 'admin'] }] }, 'people.0.roles'],
    ['a role that nobody knows', 'roster', { people: [{ ...first, roles: ['god'] }] }, 'people.0.roles.0'],
    ['a person by name', 'roster', { people: [{ ...first, person: 'person-J. Doe' }] }, 'people.0.person'],
    ['a country in other letters', 'roster', { sites: [{ ...aarhus, jurisdiction: 'Dk' }] }, 'sites.0.jurisdiction'],
    ['a key of 31 bytes', 'roster', { coordinator: { signing: 'A'.repeat(42) } }, 'coordinator.signing'],
    ['a key in another spelling', 'roster', { coordinator: { signing: `${'A'.repeat(42)}B=` } }, 'coordinator.signing'],

    ['a purpose that hides what follows', 'study', { purpose: 'good\u202Edab' }, 'purpose'],
    ['a title of two lines', 'study', { title: 'a\nb' }, 'title'],
    ['an empty title', 'study', { title: '' }, 'title'],
    ['a law that nobody knows', 'study', { legalBasis: 'because' }, 'legalBasis'],
    [
      'a day that no calendar has',
      'study',
      { ethics: { ...lawful.studyDocument().ethics, expires: '2027-02-30' } },
      'ethics.expires',
    ],
    ['nowhere', 'study', { jurisdictions: [] }, 'jurisdictions'],
    ['a country twice', 'study', { jurisdictions: ['DE', 'DE'] }, 'jurisdictions'],
    ['no site', 'study', { sites: [] }, 'sites'],
    [
      'images with names in them',
      'study',
      { dataContract: { modality: 'CT', minPatients: 1, deidentified: false } },
      'dataContract.deidentified',
    ],

    ['a plan without a run: one approval, one run', 'approval', { run: null }, '(top)'],
    ['a run without a plan', 'approval', { plan: null }, '(top)'],
    ['neither a run nor a standing approval', 'approval', { plan: null, run: null }, '(top)'],
    ['people who approve a run and more at once', 'approval', { envelope: lawful.standing().envelope }, '(top)'],
    ['a standing approval that the agent gave itself', 'standing', { by: 'auto' }, '(top)'],
    ['a run under a standing approval that is not named', 'approval', { by: 'standing' }, '(top)'],
    [
      'an automatic run within a standing approval',
      'approval',
      { by: 'auto', envelope: lawful.standing().envelope },
      '(top)',
    ],
    ['a standing approval without an end', 'standing', { by: 'standing' }, '(top)'],
    ['other data than it covers', 'standing', { dataset: digestNo(9) }, 'dataset'],
    ['an end before the beginning', 'approval', { expiresMs: AT }, 'expiresMs'],

    ['a round before the first', 'update', { round: 0 }, 'round'],
    ['no bytes', 'update', { length: 0 }, 'length'],
    ['half an example', 'update', { examples: 0.5 }, 'examples'],
    ['a loss that is no number', 'update', { loss: Number.NaN }, 'loss'],
    ['a metric with a patient’s name', 'update', { metrics: { 'J. Doe': 1 } }, 'metrics.J. Doe'],
    ['a checkpoint of an empty log', 'update', { checkpoint: { size: 0, root: digestNo(1) } }, 'checkpoint.size'],
    ['a digest in capitals', 'update', { plan: digestNo(1).toUpperCase() }, 'plan'],

    ['a site by another form of name', 'join', { site: 'Berlin' }, 'site'],
    ['the token’s secret itself', 'join', { token: 'secret' }, 'token'],
    ['a request that is not base64', 'join', { csr: '-----BEGIN' }, 'csr'],
    ['a nonce of another length', 'collect', { nonce: '00' }, 'nonce'],
    ['a moment before 1970', 'renew', { atMs: -1 }, 'atMs'],
    ['a key of another form', 'rekey', { signing: 'ssh-ed25519' }, 'signing'],

    [
      'an origin of no log',
      'policy',
      { checkpoints: [{ origin: 'demo', size: 1, root: digestNo(1) }] },
      'checkpoints.0.origin',
    ],
    ['sites of a policy out of order', 'policy', { sites: lawful.policy().sites.reverse() }, 'sites'],
    [
      'an approver without a role',
      'policy',
      { sites: [{ ...lawful.policy().sites[0], approvers: [{ role: '', signing: publicKeyOf(1) }] }] },
      'sites.0.approvers.0.role',
    ],
  ];
  it.each(refusals)('%s (%s)', (_, name, more, path) => {
    expect(problems(name, more)).toContain(path);
  });
});

describe('an approval', () => {
  const { envelope } = lawful.standing();
  it.each<[string, Name, object]>([
    ['of one run by people', 'approval', {}],
    ['of one run by the agent’s settings', 'approval', { by: 'auto' }],
    ['of one run within a standing approval', 'approval', { by: 'standing', envelope }],
    ['of what is to come', 'standing', {}],
  ])('may be %s', (_, name, more) => {
    expect(problems(name, more)).toEqual([]);
  });
});

it('a roster may be without sites and people, as it begins', () => {
  expect(problems('roster', { sites: [], people: [] })).toEqual([]);
  expect(problems('roster', { people: [{ ...first, person: personNo(9) }] })).toEqual([]);
});

it('an update may come without metrics', () => {
  expect(problems('update', { metrics: null })).toEqual([]);
});
