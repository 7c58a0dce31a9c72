import type { SiteName, StudyName } from '@consilium/stdx';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, Question } from '../fixtures/api.fixture.js';
import { Accounts } from './accounts.js';
import { newPersonId, PERSON_ID_PATTERN, type PersonId } from './person-id.js';
import { boundTo, grantOf, grantSchema, type Grant } from './roles.js';
import { Scene } from './scene.fixture.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(() => scene.close());

const ask = (path: string, question: Question = {}): Promise<Answer> => scene.ask(`/api/v1/accounts${path}`, question);
const post = (path: string, body?: unknown, token?: string): Promise<Answer> =>
  ask(path, { method: 'POST', body, ...(token !== undefined && { token }) });
const codeOf = ({ json }: Answer): unknown => json['error']?.['code'];
const create = async (body: object = {}): Promise<Answer> => post('', { login: 'a.weber', grants: [], ...body });

describe('an account', () => {
  it('is created with roles, and known to the ledger by its pseudonym only', async () => {
    const grants = [{ role: 'admin' }, { role: 'researcher', study: 'trial' }];
    const { status, json } = await create({ name: 'Dr. A. Weber', grants });
    expect(status).toBe(201);
    expect(json['setupSecret']).toMatch(/^consilium-setup\.[\w-]{43}$/);
    const { json: list } = await ask('');
    expect(list['accounts']).toEqual([
      {
        person: json['person'],
        name: 'Dr. A. Weber',
        login: 'a.weber',
        grants,
        createdMs: scene.clock.now(),
        disabledMs: null,
      },
    ]);
    const by = 'person-machine000';
    expect(scene.ledger.events.filter(({ type }) => type === 'role.changed')).toEqual([
      { type: 'role.changed', person: json['person'], role: 'admin', granted: true, by },
      { type: 'role.changed', person: json['person'], role: 'researcher', granted: true, by },
    ]);
    expect(JSON.stringify(scene.ledger.events)).not.toMatch(/weber/i);
  });

  it('has a login that nobody else has', async () => {
    await create();
    expect(codeOf(await create())).toBe('ALREADY_EXISTS');
  });

  it.each([
    ['a researcher without a study', { role: 'researcher' }],
    ['an operator without a site', { role: 'site-operator' }],
    ['an admin of one site', { role: 'admin', site: 'alpha' }],
    ['a researcher of a site', { role: 'researcher', site: 'alpha' }],
    ['a site that is no name', { role: 'site-operator', site: '../alpha' }],
    ['a role that there is not', { role: 'root' }],
  ])('is never that of %s', async (_, grant) => {
    expect(codeOf(await create({ grants: [grant] }))).toBe('REQUEST_INVALID');
    const person = await scene.person();
    expect(codeOf(await post(`/${person}/grant`, grant))).toBe('REQUEST_INVALID');
  });

  it('gets and loses roles, each change written down once and before it holds', async () => {
    const person = await scene.person();
    const grant = { role: 'site-operator', site: 'alpha' };
    for (let i = 0; i < 2; i++) expect((await post(`/${person}/grant`, grant)).json['grants']).toEqual([grant]);
    for (let i = 0; i < 2; i++) expect((await post(`/${person}/revoke`, grant)).json['grants']).toEqual([]);
    expect(scene.told).toEqual(['login machine', '+site-operator', '-site-operator']);
    scene.ledger.record = () => Promise.reject(new Error('the disk is full'));
    expect((await post(`/${person}/grant`, grant)).status).toBe(500);
    expect((await scene.people.store.find(person))!.grants).toEqual([]);
  });

  it('is disabled for good: its roles are gone and its logins have ended', async () => {
    const person = await scene.person({ role: 'admin' }, { role: 'auditor' });
    const token = await scene.tokenOf(person);
    expect((await post(`/${person}/disable`)).json).toMatchObject({ grants: [], disabledMs: scene.clock.now() });
    expect(codeOf(await ask('', { token }))).toBe('ACCESS_DENIED');
    expect(scene.told.slice(1, 3)).toEqual(['-admin', '-auditor']);
    await post(`/${person}/disable`);
    expect(scene.told.filter((told) => told.startsWith('-'))).toHaveLength(2);
  });

  it('is erased: the name is nowhere any more, and the pseudonym leads nowhere', async () => {
    const { json } = await create({ grants: [{ role: 'auditor' }] });
    const person = String(json['person']);
    expect((await post(`/${person}/erase`)).json).toEqual({ erased: person });
    expect((await ask('')).text).not.toContain('weber');
    expect(codeOf(await post(`/${person}/grant`, { role: 'admin' }))).toBe('NOT_FOUND');
    expect(scene.told.at(-1)).toBe('-auditor');
    expect((await create()).status).toBe(201);
  });

  it('of the identity provider has no password to set', async () => {
    const accounts = new Accounts(scene.people.store, scene.ledger, scene.clock);
    const { id } = await accounts.ofSubject({ issuer: 'https://idp.example', subject: '1' }, 'Dr. B');
    expect(codeOf(await post(`/${id}/invite`))).toBe('LOGIN_METHOD_UNAVAILABLE');
  });

  it('of a subject is one, also for two first logins at once', async () => {
    const accounts = new Accounts(scene.people.store, scene.ledger, scene.clock);
    const subject = { issuer: 'https://idp.example', subject: '1' };
    const made = await Promise.all(Array.from({ length: 20 }, () => accounts.ofSubject(subject, 'Dr. B')));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  });

  it('is one of ten thousand at most', async () => {
    scene.people.store.count = () => Promise.resolve(10_000);
    expect(codeOf(await create())).toBe('OVERLOADED');
  });
});

describe('who may change accounts', () => {
  it('is an admin who has just proved who they are', async () => {
    const admin = await scene.person({ role: 'admin' });
    const [fresh, old] = [await scene.tokenOf(admin), await scene.tokenOf(admin, scene.clock.now() - 600_000)];
    const person = await scene.person();
    expect((await ask('', { token: old })).status).toBe(200);
    expect(codeOf(await post(`/${person}/grant`, { role: 'auditor' }, old))).toBe('STEP_UP_REQUIRED');
    expect((await post(`/${person}/grant`, { role: 'auditor' }, fresh)).status).toBe(200);
  });

  it('is never the person themselves', async () => {
    const admin = await scene.person({ role: 'admin' });
    const token = await scene.tokenOf(admin);
    for (const [verb, body] of [
      ['grant', { role: 'auditor' }],
      ['revoke', { role: 'admin' }],
      ['disable', undefined],
      ['erase', undefined],
    ] as const)
      expect(codeOf(await post(`/${admin}/${verb}`, body, token)), verb).toBe('ACCESS_DENIED');
    expect((await scene.people.store.find(admin))!.grants).toEqual([{ role: 'admin' }]);
  });

  it('gets NOT_FOUND for a person that there is not, and REQUEST_INVALID for what is no id', async () => {
    for (const verb of ['revoke', 'grant'])
      expect(codeOf(await post(`/${newPersonId()}/${verb}`, { role: 'auditor' }))).toBe('NOT_FOUND');
    for (const verb of ['disable', 'erase', 'invite'])
      expect(codeOf(await post(`/${newPersonId()}/${verb}`))).toBe('NOT_FOUND');
    expect(codeOf(await post('/weber/disable'))).toBe('REQUEST_INVALID');
  });
});

describe('pseudonyms and grants', () => {
  it('are minted at random, in the form that the ledger takes', () => {
    const ids = Array.from({ length: 1_000 }, newPersonId);
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids) expect(id).toMatch(PERSON_ID_PATTERN);
    expect('person-machine000' as PersonId).toMatch(PERSON_ID_PATTERN);
  });

  it('have one row each, and come back from it as they were', () => {
    const name = fc.stringMatching(/^[a-z0-9]{1,20}$/);
    const grant: fc.Arbitrary<Grant> = fc.oneof(
      fc.constantFrom('admin' as const, 'coordinator' as const, 'auditor' as const).map((role) => ({ role })),
      name.map((study) => ({ role: 'researcher' as const, study: study as StudyName })),
      name.map((site) => ({ role: 'site-operator' as const, site: site as SiteName })),
      name.map((site) => ({ role: 'data-protection-officer' as const, site: site as SiteName })),
    );
    fc.assert(
      fc.property(grant, (one) => {
        expect(grantOf({ role: one.role, boundTo: boundTo(one) })).toEqual(one);
        expect(grantSchema.parse(one)).toEqual(one);
      }),
    );
  });
});
