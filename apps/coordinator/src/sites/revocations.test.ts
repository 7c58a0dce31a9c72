import { certificateFacts, newSigningKey } from '@consilium/identity';
import type { SiteName } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { MACHINE } from '../people/person-id.js';
import { delta, Desk, type Applicant } from './desk.fixture.js';

let desk: Desk;
let site: Applicant;
beforeEach(async () => {
  desk = await Desk.open();
  site = await desk.enrolled();
});
const spki = async () =>
  certificateFacts((await desk.desks.enrolment.collect(site.collect())).certificate!).publicKeyPin;

describe('a site that is revoked', () => {
  it('is refused at once and after a restart, with a certificate that is good in every other way', async () => {
    const pin = await spki();
    desk.membership.register.authorise(delta, pin);
    await desk.desks.revocations.revoke(delta, MACHINE);
    for (const at of [desk, await desk.restart()]) {
      expect(() => at.membership.register.authorise(delta, pin)).toThrowError(
        expect.objectContaining({ code: 'SITE_REVOKED' }),
      );
    }
  });

  it('gets no certificate any more: not by renewal, not by collecting, not with another key', async () => {
    await desk.desks.revocations.revoke(delta, MACHINE);
    const { enrolment } = desk.desks;
    for (const asked of [
      enrolment.renew(await site.renew()),
      enrolment.collect(site.collect()),
      enrolment.rekey(await site.rekey(newSigningKey())),
    ]) {
      await expect(asked).rejects.toMatchObject({ code: 'SITE_REVOKED' });
    }
  });

  it('gets none either when its renewal and the revocation cross', async () => {
    const request = await site.renew();
    const [, renewed] = await Promise.allSettled([
      desk.desks.revocations.revoke(delta, MACHINE),
      desk.desks.enrolment.renew(request),
    ]);
    expect(renewed).toMatchObject({ status: 'rejected', reason: { code: 'SITE_REVOKED' } });
  });

  it('is told to those who act on it once, after it is stored and written down', async () => {
    const told: unknown[] = [];
    desk.desks.revocations.onRevoked(async (name) => {
      told.push([name, await desk.store.revocations(), desk.events.at(-1)]);
    });
    await Promise.all([desk.desks.revocations.revoke(delta, MACHINE), desk.desks.revocations.revoke(delta, MACHINE)]);
    expect(told).toEqual([
      [
        delta,
        [{ site: delta, signing: site.signing, by: MACHINE, revokedMs: desk.clock.now() }],
        { type: 'site.revoked', site: delta, by: MACHINE },
      ],
    ]);
  });

  it('was of the roster: another name is SITE_NOT_ENROLLED', async () => {
    await expect(desk.desks.revocations.revoke('nowhere' as SiteName, MACHINE)).rejects.toMatchObject({
      code: 'SITE_NOT_ENROLLED',
    });
  });
});

describe('who was never let in', () => {
  it('is not served with a certificate that nobody issued here, even one of the intermediate', async () => {
    // Whoever steals the intermediate can sign for any site, but not into the coordinator's books.
    const { certificate } = await desk.federation.site(delta);
    const { publicKeyPin } = certificateFacts(certificate);
    expect(() => desk.membership.register.authorise(delta, publicKeyPin)).toThrowError(
      expect.objectContaining({ code: 'PEER_CERTIFICATE_FOREIGN' }),
    );
  });

  it('is not served under a name that no roster lists', () => {
    expect(() => desk.membership.register.requireMember('constructor' as SiteName)).toThrowError(
      expect.objectContaining({ code: 'SITE_NOT_ENROLLED' }),
    );
  });
});
