import { createHash } from 'node:crypto';
import {
  createRoot,
  encodePublicKey,
  signingKeyFrom,
  signRoster,
  type Roster,
  type SoftwareKey,
} from '@consilium/identity';
import { digestOf, type SiteName } from '@consilium/stdx';

export const FEDERATION = 'testfed';
export const SITES = ['site-a', 'site-b', 'site-c', 'site-d'].map((name) => name as SiteName);

/** The same key for the same name in every test. */
export const keyOf = (name: string): SoftwareKey => signingKeyFrom(createHash('sha256').update(name).digest());

export const PROPOSER = keyOf('person-proposer000');
export const ADMIN = keyOf('person-admin0000000');
export const COORDINATOR = keyOf('coordinator');

/** The federation's root, made once for all tests of a file; old enough for certificates that have lapsed. */
export const ROOT_MS = Date.now() - 10 * 86_400_000;
export const ROOT = await createRoot({ federation: FEDERATION, now: ROOT_MS, days: 365 });

export const rosterOf = (changes: Partial<Roster> = {}): Roster =>
  ({
    schema: 'consilium.roster/1',
    federation: FEDERATION,
    version: 1,
    previous: null,
    coordinator: { signing: encodePublicKey(COORDINATOR.publicKey) },
    sites: SITES.map((name) => ({ name, signing: encodePublicKey(keyOf(name).publicKey), jurisdiction: 'DE' })),
    people: [
      { person: 'person-admin0000000', roles: ['admin'], signing: encodePublicKey(ADMIN.publicKey) },
      { person: 'person-proposer000', roles: ['proposer'], signing: encodePublicKey(PROPOSER.publicKey) },
    ],
    issuedMs: 1,
    ...changes,
  }) as Roster;

export const signedRoster = (changes: Partial<Roster> = {}, root = ROOT): Promise<Uint8Array> =>
  signRoster(rosterOf(changes), root.privateKeyPem);

export const ROSTER = rosterOf();
export const ROSTER_DOCUMENT = await signedRoster();
export const ROSTER_DIGEST = digestOf(ROSTER_DOCUMENT);
/** The roster as the site has accepted it. */
export const ACCEPTED = { ...ROSTER, digest: ROSTER_DIGEST };
