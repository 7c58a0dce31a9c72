import { decodePublicKey, fingerprintWords } from '@consilium/identity';
import type { SiteName } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemorySiteStore } from '../adapters/memory/stores.js';
import { siteKey } from '../fixtures/keys.fixture.js';
import { HeardSite } from '../fixtures/world.fixture.js';
import { MACHINE } from '../people/person-id.js';
import { delta, Desk, HOUR_MS } from './desk.fixture.js';
import { SiteDirectory } from './directory.js';
import { Sessions } from './sessions.js';

const [alpha, beta, zeta] = ['alpha', 'beta', 'zeta'] as SiteName[] as [SiteName, SiteName, SiteName];

let desk: Desk;
let directory: SiteDirectory;
let store: MemorySiteStore;
const sessions = new Sessions();
beforeEach(async () => {
  desk = await Desk.open();
  store = new MemorySiteStore(desk.tables);
  directory = new SiteDirectory({
    store,
    sessions,
    rosters: desk.membership.rosters,
    register: desk.membership.register,
  });
});
const find = async (name: SiteName) => (await directory.list()).find((site) => site.name === name);

describe('the directory', () => {
  it('lists the sites of the roster and those that were ever here, by name', async () => {
    await store.seen({ name: zeta, software: 'agent 1', lastSeenMs: 5 });
    expect((await directory.list()).map(({ name, standing }) => [name, standing])).toEqual([
      ['alpha', 'enrolled'],
      ['beta', 'enrolled'],
      ['gamma', 'enrolled'],
      ['zeta', 'left'],
    ]);
    expect(await find(zeta)).toEqual({
      name: zeta,
      standing: 'left',
      jurisdiction: null,
      fingerprint: null,
      certificateEndsMs: null,
      connected: false,
      lastSeenMs: 5,
      software: 'agent 1',
    });
  });

  it('tells a site’s country, the six words of its key, and whether it is here now', async () => {
    const leave = sessions.open(beta, new HeardSite());
    expect(await find(beta)).toMatchObject({
      jurisdiction: 'DE',
      fingerprint: fingerprintWords(decodePublicKey(desk.membership.rosters.site(beta)!.signing)),
      connected: true,
      lastSeenMs: null,
    });
    expect((await find(beta))?.fingerprint).toBe(fingerprintWords(siteKey('beta').publicKey));
    leave();
    expect(await find(alpha)).toMatchObject({ connected: false });
  });

  it('tells when a site’s newest certificate ends, and that a site was shut out', async () => {
    const site = await desk.enrolled();
    desk.clock.advance(HOUR_MS);
    await desk.desks.enrolment.renew(await site.renew());
    expect(await find(delta)).toMatchObject({
      standing: 'enrolled',
      certificateEndsMs: desk.clock.now() + 24 * HOUR_MS,
    });
    await desk.desks.revocations.revoke(delta, MACHINE);
    expect(await find(delta)).toMatchObject({ standing: 'revoked', jurisdiction: 'DK' });
  });
});
