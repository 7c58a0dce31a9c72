import { certificateFacts, newSigningKey, openRoster, peerOf, verifyChain } from '@consilium/identity';
import type { SiteName } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { keyOf, siteKey } from '../fixtures/keys.fixture.js';
import { Applicant, delta, Desk, HOUR_MS, newCsr } from './desk.fixture.js';

const alpha = 'alpha' as SiteName;
const DAY_MS = 24 * HOUR_MS;

let desk: Desk;
let site: Applicant;
beforeEach(async () => {
  desk = await Desk.open();
  site = new Applicant(delta, desk.clock);
});
const join = (request: { token: string; envelope: Buffer }) => desk.desks.enrolment.join(request);
const collect = (envelope = site.collect()) => desk.desks.enrolment.collect(envelope);
const renew = (envelope: Uint8Array) => desk.desks.enrolment.renew(envelope);
const refusals = () => desk.refusedCodes;

describe('a site that joins', () => {
  it('waits, is compared and admitted, and then has a certificate of its own name and key, and the roster', async () => {
    expect(await join(await site.join(await desk.invite()))).toEqual({ state: 'pending' });
    expect(await collect()).toEqual({ state: 'pending' });
    await desk.admit();
    const answer = await collect();
    expect(answer.state).toBe('admitted');
    const { rootPem } = desk.federation.identity;
    const leaf = verifyChain({ chainPem: answer.certificate!, rootPem, now: desk.clock.now() });
    expect(peerOf(leaf, 'demo')).toEqual({ kind: 'site', name: delta });
    expect(certificateFacts(leaf).notAfter).toBe(desk.clock.now() + DAY_MS);
    const roster = openRoster(answer.roster as Buffer, rootPem);
    expect(roster).toMatchObject({ version: 2, previous: desk.federation.roster.digest });
    expect(roster.sites).toContainEqual({ name: delta, signing: site.signing, jurisdiction: 'DK' });
    expect(desk.events.map(({ type }) => type)).toEqual([
      'roster.signed',
      'token.created',
      'token.used',
      'roster.signed',
      'site.admitted',
      'cert.issued',
    ]);
  });

  it('is let in with that certificate, and with no other', async () => {
    const { register } = desk.membership;
    await join(await site.join(await desk.invite()));
    await desk.admit();
    const { publicKeyPin } = certificateFacts((await collect()).certificate!);
    expect(() => register.authorise(delta, publicKeyPin)).not.toThrow();
    expect(() => register.authorise(alpha, publicKeyPin)).toThrow(/not issued by this federation/);
  });

  it('is answered another certificate when it asks only after the first has ended', async () => {
    await desk.enrolled(delta).then((enrolled) => (site = enrolled));
    const first = await collect();
    expect((await collect()).certificate).toBe(first.certificate);
    desk.clock.advance(DAY_MS + 1);
    const second = certificateFacts((await collect()).certificate!);
    expect(second.notAfter).toBeGreaterThan(desk.clock.now() + 23 * HOUR_MS);
    expect(second.publicKeyPin).toBe(certificateFacts(first.certificate!).publicKeyPin);
  });

  it('that was refused is told so', async () => {
    await join(await site.join(await desk.invite()));
    await desk.desks.admissions.refuse(delta);
    await expect(collect()).rejects.toMatchObject({ code: 'ENROLMENT_REFUSED' });
    await expect(desk.desks.admissions.refuse(delta)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('has its request after a restart', async () => {
    await join(await site.join(await desk.invite()));
    desk = await desk.restart();
    expect(await collect()).toEqual({ state: 'pending' });
    await desk.admit();
    desk = await desk.restart();
    expect(await collect()).toMatchObject({ state: 'admitted' });
  });
});

describe('a one-time token', () => {
  it('is good once, however many use it at the same time', async () => {
    const token = await desk.invite();
    const crowd = Array.from({ length: 50 }, () => new Applicant(delta, desk.clock));
    const requests = await Promise.all(crowd.map((one) => one.join(token)));
    const settled = await Promise.allSettled(requests.map(join));
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reasons = settled.flatMap((one) =>
      one.status === 'rejected' ? [(one.reason as { code: string }).code] : [],
    );
    expect(reasons).toEqual(Array(49).fill('JOIN_TOKEN_INVALID'));
    expect(desk.events.filter(({ type }) => type === 'token.used')).toHaveLength(1);
    expect(refusals()).toEqual(reasons);
    expect(await desk.desks.admissions.pending()).toHaveLength(1);
  });

  it('is good for as long as was said, and not a moment longer', async () => {
    const [late, intime] = [await desk.invite(delta, 10), await desk.invite(delta, 10)];
    desk.clock.advance(10 * 60_000 - 1);
    expect(await join(await site.join(intime))).toEqual({ state: 'pending' });
    desk.clock.advance(1);
    await expect(join(await site.join(late))).rejects.toMatchObject({ code: 'JOIN_TOKEN_INVALID', facts: {} });
  });

  it.each<[string, object]>([
    ['for another site', { site: 'epsilon' }],
    ['for another federation', { federation: 'other' }],
    ['beside the digest of another token', { token: '0'.repeat(64) }],
  ])('%s is refused, recorded, and still good for the right one', async (_, change) => {
    const token = await desk.invite();
    await expect(join(await site.join(token, { ...change }))).rejects.toMatchObject({ code: 'JOIN_TOKEN_INVALID' });
    expect(refusals()).toEqual(['JOIN_TOKEN_INVALID']);
    expect(await join(await site.join(token))).toEqual({ state: 'pending' });
  });

  it('that nobody made is refused', async () => {
    const request = await site.join(await desk.invite());
    await expect(join({ ...request, token: 'A'.repeat(43) })).rejects.toMatchObject({ code: 'JOIN_TOKEN_INVALID' });
  });

  it('lies nowhere in the store or the log', async () => {
    const { token, envelope } = await site.join(await desk.invite());
    await join({ token, envelope });
    expect(JSON.stringify(desk.tables.ledger.rows)).not.toContain(token);
    expect(await desk.store.findToken(token as never)).toBeUndefined();
  });

  it('is not used up by a request that proves too little', async () => {
    const token = await desk.invite();
    const other = newSigningKey();
    const foreignCsr = { csr: Buffer.from('no request').toString('base64') };
    const unproven = new Applicant(delta, desk.clock, other);
    await expect(join(await site.join(token, foreignCsr))).rejects.toMatchObject({ code: 'CSR_INVALID' });
    // Signed by another key than the one that is to be enrolled.
    await expect(join(await unproven.join(token, { signing: site.signing }))).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    });
    expect(await join(await site.join(token))).toEqual({ state: 'pending' });
  });

  it.each<[string, Applicant['key']]>([
    ['of another site', siteKey('alpha')],
    ['of the coordinator', keyOf('the coordinator')],
    ['of a person', keyOf('admin')],
  ])('admits no key %s', async (_, key) => {
    const thief = new Applicant(delta, desk.clock, key);
    await expect(join(await thief.join(await desk.invite()))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  it('admits nobody who has asked under another name already', async () => {
    await join(await site.join(await desk.invite()));
    const twin = new Applicant('epsilon' as SiteName, desk.clock, site.key);
    const request = await twin.join(await desk.invite('epsilon' as SiteName));
    await expect(join(request)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });
});

describe('a certificate', () => {
  beforeEach(async () => void (site = await desk.enrolled()));

  it('is renewed for a new key by the signing key alone', async () => {
    desk.clock.advance(16 * HOUR_MS);
    const before = certificateFacts((await collect()).certificate!).publicKeyPin;
    const { state, certificate } = await renew(await site.renew());
    const { publicKeyPin, notAfter } = certificateFacts(certificate!);
    expect([state, notAfter]).toEqual(['admitted', desk.clock.now() + DAY_MS]);
    expect(publicKeyPin).not.toBe(before);
    // Both are good for as long as the older one lasts: the site changes over in its own time.
    for (const spki of [before, publicKeyPin])
      expect(() => desk.membership.register.authorise(delta, spki)).not.toThrow();
    expect(desk.events.at(-1)).toMatchObject({ type: 'cert.issued', site: delta, spki: publicKeyPin, reason: 'renew' });
  });

  it('that lapsed over 72 hours comes back without a person, also after a restart of the coordinator', async () => {
    desk.clock.advance(3 * DAY_MS);
    desk = await desk.restart();
    const { certificate } = await renew(await site.renew());
    expect(certificateFacts(certificate!).notAfter).toBe(desk.clock.now() + DAY_MS);
  });

  it('that lapsed thirty days ago is revived, and one that lapsed a moment earlier is not', async () => {
    const later = await desk.enrolled('epsilon' as SiteName);
    desk.clock.advance(31 * DAY_MS);
    expect(await renew(await site.renew())).toMatchObject({ state: 'admitted' });
    desk.clock.advance(1);
    await expect(renew(await later.renew())).rejects.toMatchObject({ code: 'CERTIFICATE_LAPSED' });
    await expect(desk.desks.enrolment.rekey(await later.rekey(newSigningKey()))).rejects.toMatchObject({
      code: 'CERTIFICATE_LAPSED',
    });
  });

  it('is not renewed by whoever has stolen it with its key: only the signing key counts', async () => {
    const thief = newSigningKey();
    await expect(renew(await site.renew({}, thief))).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
  });

  it('is not renewed for another site’s name', async () => {
    await expect(renew(await site.renew({ site: alpha }))).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
    await expect(renew(await site.renew({ federation: 'other' }))).rejects.toMatchObject({
      code: 'PEER_CERTIFICATE_FOREIGN',
    });
  });

  it('is not issued for a TLS key that another site has', async () => {
    const csr = await newCsr();
    await renew(await site.renew({ csr }));
    const epsilon = await desk.enrolled('epsilon' as SiteName);
    await expect(renew(await epsilon.renew({ csr }))).rejects.toMatchObject({ code: 'CSR_INVALID' });
    expect(await renew(await site.renew({ csr }))).toMatchObject({ state: 'admitted' });
  });

  it('is issued once for each request, also over a restart', async () => {
    const request = await site.renew();
    await renew(request);
    await expect(renew(request)).rejects.toMatchObject({ code: 'REQUEST_REPLAYED' });
    desk = await desk.restart();
    await expect(renew(request)).rejects.toMatchObject({ code: 'REQUEST_REPLAYED' });
    desk.clock.advance(5 * 60_000 + 1);
    await expect(renew(request)).rejects.toMatchObject({ code: 'CLOCK_SKEWED' });
  });

  it.each([-HOUR_MS, HOUR_MS, -300_001, 300_001])('is not issued to a clock that is %d ms off', async (skew) => {
    const atMs = desk.clock.now() + skew;
    await expect(renew(await site.renew({ atMs }))).rejects.toMatchObject({ code: 'CLOCK_SKEWED' });
  });

  it.each([-300_000, 300_000])('is issued to a clock that is %d ms off', async (skew) => {
    expect(await renew(await site.renew({ atMs: desk.clock.now() + skew }))).toMatchObject({ state: 'admitted' });
  });

  it('is issued 48 times a day to one site, and not more', async () => {
    for (let i = 1; i < 48; i++) await renew(await site.renew());
    await expect(renew(await site.renew())).rejects.toMatchObject({ code: 'OVERLOADED' });
    desk.clock.advance(DAY_MS + 1000);
    expect(await renew(await site.renew())).toMatchObject({ state: 'admitted' });
  });
});

describe('another signing key', () => {
  const next = newSigningKey();
  beforeEach(async () => void (site = await desk.enrolled()));

  it('is asked for with the old and the new one, compared, and replaces the old', async () => {
    expect(await desk.desks.enrolment.rekey(await site.rekey(next))).toEqual({ state: 'pending' });
    const renewed = new Applicant(delta, desk.clock, next);
    expect(await collect(renewed.collect())).toEqual({ state: 'pending' });
    // Until then the old one counts.
    expect(await renew(await site.renew())).toMatchObject({ state: 'admitted' });

    await desk.admit();
    expect(desk.events.at(-1)).toMatchObject({ type: 'cert.issued', reason: 'rekey' });
    expect(await collect(renewed.collect())).toMatchObject({ state: 'admitted' });
    expect(await renew(await renewed.renew())).toMatchObject({ state: 'admitted' });
    await expect(renew(await site.renew())).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
  });

  it('is not had with one of the two alone', async () => {
    for (const keys of [[site.key], [next], [next, newSigningKey()]]) {
      await expect(desk.desks.enrolment.rekey(await site.rekey(next, keys))).rejects.toMatchObject({
        code: expect.stringMatching(/^SIGNATURE_/) as string,
      });
    }
    expect(await desk.desks.admissions.pending()).toEqual([]);
  });

  it('may be nobody else’s', async () => {
    await expect(desk.desks.enrolment.rekey(await site.rekey(keyOf('admin')))).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
  });
});
