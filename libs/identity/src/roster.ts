import { digestOf, Fault, parseShape, type Digest, type SiteName } from '@consilium/stdx';
import { federationOf } from './certificates/issued.js';
import { readCertificate } from './certificates/x509.js';
import type { PersonId } from './documents/fields.js';
import { rosterSchema, type Roster, type RosterPerson, type RosterSite } from './documents/roster.js';
import { payloadBytesOf, readFrame, readPayload, signedBytes, writeFrame } from './dsse/frame.js';
import { p256Point, signP256, verifyP256 } from './keys/p256.js';
import { decodePublicKey } from './keys/signing-key.js';

/** A roster together with the digest of the document in which it stands. */
export interface KnownRoster {
  readonly roster: Roster;
  readonly digest: Digest;
}

/** Signs a roster with the root's private key (PKCS #8 PEM), offline. ROSTER_INVALID where it is not a roster. */
export async function signRoster(roster: Roster, rootPrivateKeyPem: string): Promise<Uint8Array> {
  requireKeys(parseShape(rosterSchema, roster, 'ROSTER_INVALID'));
  const payloadBytes = payloadBytesOf('roster', roster);
  const { spki, signature } = await signP256(rootPrivateKeyPem, signedBytes({ type: 'roster', payloadBytes }));
  return writeFrame({ type: 'roster', payloadBytes, signatures: [{ keyid: digestOf(spki), bytes: signature }] });
}

/**
 * The roster in a document, once the root (PEM) is seen to have signed it: ECDSA P-256 with SHA-256, strict DER, low S,
 * and no other signature, so that a roster is one document.
 *
 * Faults: ENVELOPE_INVALID, SIGNATURE_INVALID, ROSTER_INVALID (of another federation, or with an unsound key),
 * CERTIFICATE_INVALID where the root cannot be read.
 */
export function openRoster(bytes: Uint8Array, rootPem: string): Roster {
  const root = readCertificate(rootPem);
  const spki = new Uint8Array(root.publicKey.rawData);
  const frame = readFrame(bytes, 'roster');
  const [signature, ...more] = frame.signatures;
  const point = p256Point(spki, 'CERTIFICATE_INVALID');
  const isRoots = more.length === 0 && signature?.keyid === digestOf(spki);
  if (!isRoots || !verifyP256(point, signedBytes(frame), signature.bytes, { lowS: true })) {
    throw new Fault('SIGNATURE_INVALID', { expected: 'the signature of the root alone' });
  }
  const roster = readPayload(frame);
  if (roster.federation !== federationOf(root)) throw new Fault('ROSTER_INVALID', { path: 'federation' });
  requireKeys(roster);
  return roster;
}

/** What a new version of a roster changes. */
export type RosterChange =
  | { readonly kind: 'admit'; readonly site: RosterSite }
  | { readonly kind: 'revoke'; readonly site: SiteName }
  | { readonly kind: 'rekey'; readonly site: SiteName; readonly signing: string }
  | { readonly kind: 'enlist'; readonly person: RosterPerson }
  | { readonly kind: 'dismiss'; readonly person: PersonId };

/**
 * The version after a roster, still to be signed; `issuedMs` is UTC milliseconds. `admit` and `enlist` replace an entry
 * of the same name. ROSTER_INVALID where a change names somebody who is not there, or the result is no roster.
 */
export function nextRoster(known: KnownRoster, changes: readonly RosterChange[], issuedMs: number): Roster {
  const { roster, digest } = known;
  const sites = new Map(roster.sites.map((site) => [site.name, site]));
  const people = new Map(roster.people.map((person) => [person.person, person]));
  for (const change of changes) apply(change, sites, people);
  const next = {
    ...roster,
    version: roster.version + 1,
    previous: digest,
    sites: sortedBy([...sites.values()], ({ name }) => name),
    people: sortedBy([...people.values()], ({ person }) => person),
    issuedMs,
  };
  return parseShape(rosterSchema, next, 'ROSTER_INVALID');
}

/**
 * Refuses a roster that does not follow the one that is known: an older one, another one of the same version, or a next
 * one that names another as its predecessor. Versions may have been missed in between.
 */
export function requireSuccessor(known: KnownRoster, next: KnownRoster): void {
  if (next.digest === known.digest) return;
  const step = next.roster.version - known.roster.version;
  const follows = step > 1 || (step === 1 && next.roster.previous === known.digest);
  if (!follows || next.roster.federation !== known.roster.federation) {
    throw new Fault('ROSTER_INVALID', { knownVersion: known.roster.version, cameVersion: next.roster.version });
  }
}

function apply(change: RosterChange, sites: Map<SiteName, RosterSite>, people: Map<PersonId, RosterPerson>): void {
  switch (change.kind) {
    case 'admit':
      return void sites.set(change.site.name, change.site);
    case 'enlist':
      return void people.set(change.person.person, change.person);
    case 'rekey': {
      const site = sites.get(change.site);
      if (!site) throw new Fault('ROSTER_INVALID', { expected: 'a site of the roster' });
      return void sites.set(change.site, { ...site, signing: change.signing });
    }
    case 'revoke':
      if (!sites.delete(change.site)) throw new Fault('ROSTER_INVALID', { expected: 'a site of the roster' });
      return;
    case 'dismiss':
      if (!people.delete(change.person)) throw new Fault('ROSTER_INVALID', { expected: 'a person of the roster' });
  }
}

/** The form of a key's text is the schema's to check; whether it is a point that can be held to its signatures, ours. */
function requireKeys({ coordinator, sites, people }: Roster): void {
  for (const { signing } of [coordinator, ...sites, ...people]) {
    try {
      decodePublicKey(signing);
    } catch (error) {
      throw new Fault('ROSTER_INVALID', { path: 'signing' }, error);
    }
  }
}

const sortedBy = <T>(items: readonly T[], key: (item: T) => string): T[] =>
  [...items].sort((a, b) => (key(a) < key(b) ? -1 : 1));
