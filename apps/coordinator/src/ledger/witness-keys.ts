import { decodePublicKey } from '@consilium/identity';
import { cosignaturesOf, COSIGNATURE, siteCosigner, verifierKey, type VerifierKey } from '@consilium/ledger';
import type { SiteName } from '@consilium/stdx';

/** Keys that are remembered; beyond it the oldest is read again. */
const REMEMBERED_MAX = 4096;

/**
 * The keys under which sites cosign the coordinator's log. Whether a key is sound takes as long to find out as a
 * signature does, and every round asks for the same few: so each is read once.
 */
export class WitnessKeys {
  readonly #read = new Map<string, VerifierKey>();

  constructor(private readonly federation: string) {}

  /** The site's key (base64) under the name that its lines carry. KEY_INVALID for what is no sound key. */
  of(site: SiteName, key: string): VerifierKey {
    const id = `${site} ${key}`;
    const known = this.#read.get(id);
    if (known) return known;
    const read = verifierKey(siteCosigner(this.federation, site), COSIGNATURE, decodePublicKey(key));
    if (this.#read.size >= REMEMBERED_MAX) this.#read.delete(this.#read.keys().next().value!);
    this.#read.set(id, read);
    return read;
  }

  /** Which of these keys of the site the cosignature of a checkpoint's text is of; undefined if of none. */
  cosignedBy(text: string, line: string, site: SiteName, keys: readonly string[]): string | undefined {
    return keys.find((key) => cosignaturesOf(text, [line], [this.of(site, key)]).size > 0);
  }
}
