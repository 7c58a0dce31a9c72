import { newSigningKey, signRoster } from '@consilium/identity';
import { digestOf, type SiteName } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { Federation } from '../fixtures/federation.fixture.js';
import { ADMIN } from '../fixtures/keys.fixture.js';
import { MACHINE } from '../people/person-id.js';
import { Applicant, delta, Desk } from './desk.fixture.js';

let desk: Desk;
let site: Applicant;
beforeEach(async () => {
  desk = await Desk.open();
  site = new Applicant(delta, desk.clock);
  await desk.desks.enrolment.join(await site.join(await desk.invite()));
});
const admissions = () => desk.desks.admissions;
const admitting = (applicant = site) =>
  desk.sign({ kind: 'admit', site: { name: delta, signing: applicant.signing, jurisdiction: 'DK' } });

describe('a pending request', () => {
  it('is shown with six words of the key, and with the country that the admin has given', async () => {
    expect(await admissions().pending()).toEqual([
      {
        site: delta,
        kind: 'join',
        signing: site.signing,
        jurisdiction: 'DK',
        askedMs: desk.clock.now(),
        fingerprint: expect.stringMatching(/^(?:[a-z]+ ){5}[a-z]+$/) as string,
      },
    ]);
  });

  it('that came after the fingerprint was compared is not the one that gets in', async () => {
    const roster = await admitting();
    const late = new Applicant(delta, desk.clock);
    await desk.desks.enrolment.join(await late.join(await desk.invite()));
    await expect(admissions().admit(delta, roster)).rejects.toMatchObject({
      code: 'ROSTER_INVALID',
      facts: { path: 'sites.delta' },
    });
    expect(desk.membership.rosters.roster.version).toBe(1);
  });

  it('is admitted once, however often the same roster is sent', async () => {
    const roster = await admitting();
    await Promise.all([admissions().admit(delta, roster), admissions().admit(delta, roster)]);
    await admissions().admit(delta, roster);
    expect(desk.events.filter(({ type }) => type === 'site.admitted')).toHaveLength(1);
    expect(await desk.ledger.readDocument(digestOf(roster))).toEqual(roster);
  });

  it('is admitted by the root alone', async () => {
    const impostor = await Federation.found('demo', ['alpha', 'beta', 'gamma'], desk.clock.now);
    const forged = await signRoster(
      JSON.parse(JSON.stringify(desk.membership.rosters.roster)),
      impostor.root.privateKeyPem,
    );
    await expect(admissions().admit(delta, forged)).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
    await expect(admissions().admit(delta, Buffer.from('{}'))).rejects.toMatchObject({ code: 'ENVELOPE_INVALID' });
  });

  it('of a site that did not ask is none', async () => {
    const epsilon = 'epsilon' as SiteName;
    const roster = await desk.sign({
      kind: 'admit',
      site: { name: epsilon, signing: new Applicant(epsilon, desk.clock).signing, jurisdiction: 'DK' },
    });
    await expect(admissions().admit(epsilon, roster)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('leaves everything as it was when the store is out of reach', async () => {
    const roster = await admitting();
    const { install } = desk.store;
    desk.store.install = () => Promise.reject(new Error('out of reach'));
    await expect(admissions().admit(delta, roster)).rejects.toThrow('out of reach');
    desk.store.install = install;
    expect(desk.membership.rosters.roster.version).toBe(1);
    expect(() => desk.membership.register.requireMember(delta)).toThrow();
    await desk.admit();
  });
});

describe('a roster that changes people', () => {
  it('is put in force, is in force after a restart, and brings no site', async () => {
    const roster = await desk.sign({ kind: 'dismiss', person: ADMIN.person });
    expect(await admissions().install(roster)).toMatchObject({ digest: digestOf(roster) });
    expect(await admissions().install(roster)).toMatchObject({ digest: digestOf(roster) });
    expect(desk.events.filter(({ type }) => type === 'roster.signed')).toHaveLength(2);
    const again = await desk.restart();
    expect(again.membership.rosters.roster.people.map(({ person }) => person)).not.toContain(ADMIN.person);
    await expect(admissions().install(await admitting())).rejects.toMatchObject({ code: 'ROSTER_INVALID' });
  });

  it('is refused when another one came first', async () => {
    const [first, second] = await Promise.all([
      desk.sign({ kind: 'dismiss', person: ADMIN.person }),
      desk.sign({ kind: 'dismiss', person: ADMIN.person }),
    ]);
    await admissions().install(first);
    await expect(admissions().install(second)).rejects.toMatchObject({ code: 'ROSTER_INVALID' });
  });
});

describe('a revoked site', () => {
  beforeEach(async () => {
    await desk.admit();
    await desk.desks.revocations.revoke(delta, MACHINE);
  });

  it('may be left out of the next roster, and is not missed', async () => {
    await admissions().install(await desk.sign({ kind: 'revoke', site: delta }));
    expect(() => desk.membership.register.requireMember(delta)).toThrowError(
      expect.objectContaining({ code: 'SITE_REVOKED' }),
    );
    expect(desk.membership.register.names).toContain(delta);
  });

  it('joins anew only with another key, and is let in by an admin only', async () => {
    await expect(desk.desks.enrolment.join(await site.join(await desk.invite()))).rejects.toMatchObject({
      code: 'SITE_REVOKED',
    });
    const renewed = new Applicant(delta, desk.clock, newSigningKey());
    await desk.desks.enrolment.join(await renewed.join(await desk.invite()));
    expect(() => desk.membership.register.requireMember(delta)).toThrow();
    const before = desk.membership.register.certificatesOf(delta);
    await desk.admit();
    expect(() => desk.membership.register.requireMember(delta)).not.toThrow();
    // Nothing that was issued before it was shut out counts again.
    for (const { spki } of before) {
      expect(() => desk.membership.register.authorise(delta, spki)).toThrowError(
        expect.objectContaining({ code: 'PEER_CERTIFICATE_FOREIGN' }),
      );
    }
    desk = await desk.restart();
    expect(() => desk.membership.register.requireMember(delta)).not.toThrow();
  });
});
