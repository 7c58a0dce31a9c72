import { openRoster, requireSuccessor, type KnownRoster, type Roster, type RosterPerson } from '@consilium/identity';
import { keyId, decodePublicKey } from '@consilium/identity';
import type { RosterKeys } from '@consilium/round';
import { digestOf, Fault, fromUtf8, utf8, type Digest, type SiteName } from '@consilium/stdx';
import type { RosterRecord } from './store.js';

/** A roster in force, with the document that the root has signed. */
export interface SignedRoster extends KnownRoster {
  readonly document: Uint8Array;
}

/** The roster in force, in memory. Who puts another one in force has stored it before. */
export class Rosters {
  #current: SignedRoster;

  constructor(current: SignedRoster) {
    this.#current = current;
  }

  get current(): SignedRoster {
    return this.#current;
  }

  get roster(): Roster {
    return this.#current.roster;
  }

  /** The keys that plans are signed with. */
  get keys(): RosterKeys {
    const { roster, digest } = this.#current;
    return { version: roster.version, digest, coordinator: roster.coordinator, sites: roster.sites };
  }

  replace(next: SignedRoster): void {
    this.#current = next;
  }

  site = (name: SiteName) => this.roster.sites.find((site) => site.name === name);

  /** The site that signs with one of these keys. */
  siteOf = (signers: readonly Digest[]) => this.roster.sites.find(({ signing }) => signers.includes(idOf(signing)));

  /** The people who sign with these keys. */
  peopleOf = (signers: readonly Uint8Array[]): readonly RosterPerson[] => {
    const ids = new Set(signers.map(keyId));
    return this.roster.people.filter(({ signing }) => ids.has(idOf(signing)));
  };
}

/** Opens a roster's document. Faults as those of `openRoster`. */
export const signedRoster = (document: Uint8Array, rootPem: string): SignedRoster => ({
  document,
  digest: digestOf(document),
  roster: openRoster(document, rootPem),
});

export const recordOf = ({ roster, digest, document }: SignedRoster, installedMs: number): RosterRecord => ({
  version: roster.version,
  digest,
  document: fromUtf8(document),
  installedMs,
});

/**
 * Which roster a start begins with: the stored one, or that of the identity folder if it is newer, which is how an
 * air-gapped federation brings one in. Faults: ROSTER_INVALID when neither follows from the other, and what opening the
 * stored one tells, since whoever can write to the database is not the root.
 */
export function newestOf(
  folder: SignedRoster,
  stored: RosterRecord | undefined,
  rootPem: string,
): { readonly roster: SignedRoster; readonly isNew: boolean } {
  if (!stored) return { roster: folder, isNew: true };
  const known = signedRoster(utf8(stored.document), rootPem);
  if (known.roster.version >= folder.roster.version) {
    if (known.roster.version === folder.roster.version) requireSuccessor(known, folder);
    return { roster: known, isNew: false };
  }
  requireSuccessor(known, folder);
  return { roster: folder, isNew: true };
}

/** Refuses a roster that names another coordinator than the one that would serve it. */
export function requireOwnRoster({ roster }: SignedRoster, ownKey: string): void {
  if (roster.coordinator.signing !== ownKey) throw new Fault('ROSTER_INVALID', { path: 'coordinator.signing' });
}

const idOf = (signing: string): Digest => keyId(decodePublicKey(signing));
