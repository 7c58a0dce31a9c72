import {
  addSignature,
  decodePublicKey,
  encodePublicKey,
  openEnvelope,
  type Approval,
  type SigningKey,
} from '@consilium/identity';
import { canonicalJson, Fault } from '@consilium/stdx';
import type { Settings } from '../settings.js';

type Approver = Settings['approvers'][number];

/**
 * Whose signatures make an approval of this site: for each role that the settings name, one of the people named with
 * it, and the site's own key last. A signature of anybody else is refused with the document.
 */
export class Signers {
  readonly #people: readonly (Approver & { readonly key: Uint8Array })[];

  constructor(
    approvers: readonly Approver[],
    private readonly site: SigningKey,
  ) {
    this.#people = approvers.map((approver) => ({ ...approver, key: decodePublicKey(approver.signing) }));
  }

  /** The roles that must sign, each once. */
  get roles(): readonly Approver['role'][] {
    return [...new Set(this.#people.map(({ role }) => role))];
  }

  /** What people have signed so far. Faults of `openEnvelope`. */
  openSigned(document: Uint8Array): { readonly approval: Approval; readonly missing: readonly Approver['role'][] } {
    const { payload, signers } = openEnvelope(document, 'approval', { any: this.#people.map(({ key }) => key) });
    return { approval: payload, missing: this.#missing(signers) };
  }

  /**
   * What people have signed, when one of them has added a signature to what was there before. REQUEST_INVALID for other
   * terms than these, and for a document that has lost a signature.
   */
  added(
    terms: Approval,
    before: Uint8Array | null,
    document: Uint8Array,
  ): { readonly missing: readonly Approver['role'][] } {
    const { approval, missing } = this.openSigned(document);
    if (canonicalJson(approval) !== canonicalJson(terms)) {
      throw new Fault('REQUEST_INVALID', { field: 'approval', expected: 'the terms that the agent has shown' });
    }
    const missingBefore = before ? this.openSigned(before).missing : this.roles;
    if (missing.some((role) => !missingBefore.includes(role))) {
      throw new Fault('REQUEST_INVALID', {
        field: 'approval',
        expected: 'the signatures that were there, and one more',
      });
    }
    return { missing };
  }

  /** The approval with the site's own signature, once everybody has signed. SIGNATURE_MISSING before. */
  complete(document: Uint8Array): Uint8Array {
    const { missing } = this.openSigned(document);
    if (missing.length > 0) throw new Fault('SIGNATURE_MISSING', { roles: missing.join(', ') });
    return addSignature(document, 'approval', this.site);
  }

  /** An approval that `complete` made, while the settings still name the people who signed it. */
  openComplete(document: Uint8Array): Approval {
    const own = encodePublicKey(this.site.publicKey);
    const { payload, signers } = openEnvelope(document, 'approval', {
      all: [this.site.publicKey],
      ...(this.#people.length > 0 && { any: this.#people.map(({ key }) => key) }),
    });
    const missing = this.#missing(signers.filter((key) => encodePublicKey(key) !== own));
    if (missing.length > 0) throw new Fault('SIGNATURE_MISSING', { roles: missing.join(', ') });
    if (payload.by !== 'people') throw new Fault('APPROVAL_INVALID', { expected: 'an approval by people' });
    return payload;
  }

  /** One that the site has signed alone, for a rule that its people set. */
  openOwn(document: Uint8Array): Approval {
    return openEnvelope(document, 'approval', { all: [this.site.publicKey] }).payload;
  }

  #missing(signers: readonly Uint8Array[]): readonly Approver['role'][] {
    const signed = new Set(signers.map(encodePublicKey));
    const present = new Set(this.#people.filter(({ signing }) => signed.has(signing)).map(({ role }) => role));
    return this.roles.filter((role) => !present.has(role));
  }
}
