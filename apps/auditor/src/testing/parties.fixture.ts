import {
  createRoot,
  encodePublicKey,
  keyId,
  newSigningKey,
  signRoster,
  type Issued,
  type Policy,
  type Roster,
  type SigningKey,
} from '@consilium/identity';
import { digestOf, type Digest, type SiteName } from '@consilium/stdx';
import { createHash } from 'node:crypto';

export const FEDERATION = 'lung';
export const START_MS = Date.UTC(2026, 2, 2, 8);

/** Everybody of a small federation, with their keys: the root, a coordinator, sites, two people, and two approvers a site. */
export interface Parties {
  readonly root: Issued;
  readonly coordinator: SigningKey;
  readonly sites: ReadonlyMap<SiteName, SiteParty>;
  readonly proposer: SigningKey;
  readonly admin: SigningKey;
  readonly roster: Roster;
  /** The signed roster, and its digest. */
  readonly rosterDocument: Uint8Array;
  readonly rosterDigest: Digest;
  readonly policy: Policy;
}

export interface SiteParty {
  readonly key: SigningKey;
  readonly approvers: readonly { readonly role: string; readonly key: SigningKey }[];
}

export const PROPOSER = 'person-proposer000000';
export const ADMIN = 'person-administrator0';

export async function newParties(names: readonly string[]): Promise<Parties> {
  const root = await createRoot({ federation: FEDERATION, now: START_MS, days: 3650 });
  const [coordinator, proposer, admin] = [newSigningKey(), newSigningKey(), newSigningKey()];
  const sites = new Map(
    [...names].sort().map((name): [SiteName, SiteParty] => [
      name as SiteName,
      {
        key: newSigningKey(),
        approvers: ['operator', 'data-protection-officer'].map((role) => ({ role, key: newSigningKey() })),
      },
    ]),
  );
  const roster = {
    schema: 'consilium.roster/1',
    federation: FEDERATION,
    version: 1,
    previous: null,
    coordinator: { signing: encodePublicKey(coordinator.publicKey) },
    sites: [...sites].map(([name, { key }]) => ({ name, signing: encodePublicKey(key.publicKey), jurisdiction: 'DE' })),
    people: [
      { person: ADMIN, roles: ['admin'], signing: encodePublicKey(admin.publicKey) },
      { person: PROPOSER, roles: ['proposer'], signing: encodePublicKey(proposer.publicKey) },
    ],
    issuedMs: START_MS,
  } as Roster;
  const rosterDocument = await signRoster(roster, root.privateKeyPem);
  const policy: Policy = {
    schema: 'consilium.policy/1',
    federation: FEDERATION,
    root: root.certificatePem,
    coordinator: roster.coordinator,
    sites: [...sites].map(([name, { key, approvers }]) => ({
      name,
      signing: encodePublicKey(key.publicKey),
      approvers: approvers.map((one) => ({ role: one.role, signing: encodePublicKey(one.key.publicKey) })),
    })),
    checkpoints: [],
  };
  const rosterDigest = digestOf(rosterDocument);
  return { root, coordinator, sites, proposer, admin, roster, rosterDocument, rosterDigest, policy };
}

export const idOf = (key: SigningKey): Digest => keyId(key.publicKey);

/** SHA-256 of the root certificate's DER. */
export const rootDigest = ({ root }: Parties): Digest =>
  createHash('sha256')
    .update(Buffer.from(root.certificatePem.replace(/-----[^-]+-----|\s/g, ''), 'base64'))
    .digest('hex') as Digest;
