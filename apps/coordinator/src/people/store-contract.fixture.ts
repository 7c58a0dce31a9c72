import type { SiteName, StudyName } from '@consilium/stdx';
import { expect, it } from 'vitest';
import { newPersonId } from './person-id.js';
import type { Grant } from './roles.js';
import { hashOf } from './secrets.js';
import type { PeopleStore, PersonRecord, Session } from './store.js';

const GRANTS: readonly Grant[] = [
  { role: 'admin' },
  { role: 'data-protection-officer', site: 'alpha' as SiteName },
  { role: 'researcher', study: 'trial' as StudyName },
];
const CREDENTIAL = { password: '$argon2id$…', totp: 'sealed', totpStep: 10 };

const person = (change: Partial<PersonRecord> = {}): PersonRecord => ({
  id: newPersonId(),
  name: 'Dr. Ä. Weber',
  login: 'a.weber',
  subject: null,
  grants: [],
  createdMs: 1_000,
  disabledMs: null,
  ...change,
});
const session = (of: PersonRecord, id: string, change: Partial<Session> = {}): Session => ({
  id,
  person: of.id,
  hash: hashOf(id),
  authMs: 1,
  createdMs: 2,
  usedMs: 3,
  ...change,
});

/** What every store of accounts promises; each test gets an empty one. */
export function peopleStoreContract(empty: () => Promise<PeopleStore>): void {
  async function withPerson(change: Partial<PersonRecord> = {}): Promise<[PeopleStore, PersonRecord]> {
    const [store, made] = [await empty(), person(change)];
    await store.create(made);
    return [store, made];
  }
  async function withCredential(): Promise<[PeopleStore, PersonRecord]> {
    const [store, made] = await withPerson();
    await store.beginSetup(made.id, { hash: hashOf('setup'), expiresMs: 9, totp: 'sealed' });
    await store.completeSetup(hashOf('setup'), CREDENTIAL, [hashOf('r1'), hashOf('r2')]);
    return [store, made];
  }

  it('gives an account back as it was stored, by its id, its login and its subject', async () => {
    const subject = { issuer: 'https://idp.example', subject: '4711' };
    const [store, local] = await withPerson({ grants: GRANTS });
    const other = person({ login: null, subject, createdMs: 500, disabledMs: 700 });
    await store.create(other);
    expect(await store.find(local.id)).toEqual(local);
    expect(await store.findByLogin('a.weber')).toEqual(local);
    expect(await store.findBySubject(subject)).toEqual(other);
    expect(await store.findBySubject({ ...subject, issuer: 'https://other.example' })).toBeUndefined();
    expect(await store.find(newPersonId())).toBeUndefined();
    expect(await store.list()).toEqual([other, local]);
    expect(await store.count()).toBe(2);
  });

  it('gives a login and a subject to one account only, but any number may have none', async () => {
    const subject = { issuer: 'https://idp.example', subject: '4711' };
    const [store] = await withPerson();
    await store.create(person({ login: null, subject }));
    await store.create(person({ login: 'b.weber' }));
    for (const taken of [{ login: 'a.weber' }, { login: null, subject }])
      await expect(store.create(person(taken))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await store.count()).toBe(3);
  });

  it('creates one account for a subject that comes fifty times at once', async () => {
    const store = await empty();
    const subject = { issuer: 'https://idp.example', subject: '4711' };
    const made = Array.from({ length: 50 }, () => store.create(person({ login: null, subject })));
    const done = await Promise.allSettled(made);
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await store.count()).toBe(1);
  });

  it('grants and revokes one role at a time, each once', async () => {
    const [store, { id }] = await withPerson();
    for (const grant of [...GRANTS, ...GRANTS].reverse()) await store.grant(id, grant);
    expect((await store.find(id))!.grants).toEqual(GRANTS);
    await store.revoke(id, { role: 'researcher', study: 'other' as StudyName });
    for (let i = 0; i < 2; i++) await store.revoke(id, GRANTS[1]!);
    expect((await store.find(id))!.grants).toEqual([GRANTS[0], GRANTS[2]]);
  });

  it('ends the logins of a disabled account', async () => {
    const [store, made] = await withPerson();
    await store.openSession(session(made, 's'), 5);
    await store.disable(made.id, 4_000);
    expect((await store.find(made.id))!.disabledMs).toBe(4_000);
    expect(await store.findSession('s')).toBeUndefined();
  });

  it('erases an account with all that belongs to it, and no other', async () => {
    const [store, made] = await withCredential();
    const other = person({ login: 'b.weber' });
    await store.create(other);
    for (const one of [made, other]) await store.openSession(session(one, one.id), 5);
    await store.grant(made.id, GRANTS[0]!);
    await store.erase(made.id);
    await store.erase(made.id);
    expect(await store.list()).toEqual([other]);
    expect(await store.credential(made.id)).toBeUndefined();
    expect(await store.findSession(made.id)).toBeUndefined();
    expect(await store.findSession(other.id)).toBeDefined();
    await store.create(person());
  });

  it('begins a set-up anew as often as it is asked, and the newest counts', async () => {
    const [store, { id }] = await withPerson();
    await store.beginSetup(id, { hash: hashOf('old'), expiresMs: 9, totp: null });
    const setup = { hash: hashOf('new'), expiresMs: 10, totp: 'sealed' };
    await store.beginSetup(id, setup);
    expect(await store.findSetup(hashOf('old'))).toBeUndefined();
    expect(await store.findSetup(hashOf('new'))).toEqual({ person: id, setup });
    expect(await store.credential(id)).toBeUndefined();
  });

  it('completes a set-up once, also for fifty at once, and ends earlier logins', async () => {
    const [store, made] = await withPerson();
    await store.openSession(session(made, 's'), 5);
    await store.beginSetup(made.id, { hash: hashOf('setup'), expiresMs: 9, totp: 'sealed' });
    const done = await Promise.all(
      Array.from({ length: 50 }, () => store.completeSetup(hashOf('setup'), CREDENTIAL, [hashOf('r')])),
    );
    expect(done.filter(Boolean)).toHaveLength(1);
    expect(await store.credential(made.id)).toEqual(CREDENTIAL);
    expect(await store.findSession('s')).toBeUndefined();
    expect(await store.findSetup(hashOf('setup'))).toBeUndefined();
  });

  it('takes each time step once, in order, also from fifty at once', async () => {
    const [store, { id }] = await withCredential();
    expect(await store.useTotpStep(id, 10)).toBe(false);
    const used = await Promise.all(Array.from({ length: 50 }, () => store.useTotpStep(id, 11)));
    expect(used.filter(Boolean)).toHaveLength(1);
    expect(await store.useTotpStep(id, 10)).toBe(false);
    expect(await store.useTotpStep(id, 12)).toBe(true);
    expect(await store.useTotpStep(newPersonId(), 99)).toBe(false);
  });

  it('takes each recovery code once, and only from whom it was given to', async () => {
    const [store, { id }] = await withCredential();
    expect(await store.useRecoveryCode(newPersonId(), hashOf('r1'))).toBe(false);
    const used = await Promise.all(Array.from({ length: 50 }, () => store.useRecoveryCode(id, hashOf('r1'))));
    expect(used.filter(Boolean)).toHaveLength(1);
    expect(await store.useRecoveryCode(id, hashOf('r2'))).toBe(true);
    expect(await store.useRecoveryCode(id, hashOf('r3'))).toBe(false);
  });

  it('keeps a person’s newest logins', async () => {
    const [store, made] = await withPerson();
    for (let i = 0; i < 5; i++) await store.openSession(session(made, `s${i}`, { createdMs: i }), 3);
    const kept = await Promise.all([0, 1, 2, 3, 4].map((i) => store.findSession(`s${i}`)));
    expect(kept.map((one) => one !== undefined)).toEqual([false, false, true, true, true]);
    expect(kept[4]).toEqual(session(made, 's4', { createdMs: 4 }));
  });

  it('exchanges a login’s token once, also for fifty at once', async () => {
    const [store, made] = await withPerson();
    await store.openSession(session(made, 's'), 5);
    const rotated = await Promise.all(
      Array.from({ length: 50 }, (_, i) => store.rotateSession('s', hashOf('s'), hashOf(`n${i}`), 77)),
    );
    expect(rotated.filter(Boolean)).toHaveLength(1);
    const next = hashOf(`n${rotated.indexOf(true)}`);
    expect(await store.findSession('s')).toEqual(session(made, 's', { hash: next, usedMs: 77 }));
    await store.closeSession('s');
    await store.closeSession('s');
    expect(await store.rotateSession('s', next, hashOf('x'), 78)).toBe(false);
  });
}
