import { keyId } from '@consilium/identity';
import { digestOf, Fault, type Digest } from '@consilium/stdx';
import type { Identity } from '../identity.js';
import type { SiteLedger } from '../ledger/site-ledger.js';
import type { RenewalPorts } from './renewal.js';

/**
 * Who this site is stands in its log: once at the enrolment, and again where another key takes over, so that each key is
 * valid between two positions of the log. Another root is another federation, in which this log has no place
 * (CERTIFICATE_INVALID). A key that does not succeed the one that the log names is refused (KEY_INVALID): it is an old
 * copy of the identity, or another site's.
 */
export async function recordIdentity(ledger: SiteLedger, identity: Identity): Promise<void> {
  const { signing, formerKeys, rootDigest, roster } = identity;
  const own = keyId(signing.publicKey);
  const { enrolled } = ledger;
  if (enrolled.root === null) {
    const document = await ledger.documents.put(roster);
    return ledger.write({ type: 'identity.enrolled', signing: own, root: rootDigest, roster: document });
  }
  if (enrolled.root !== rootDigest) {
    throw new Fault('CERTIFICATE_INVALID', { field: 'root', expected: 'the root that this site was enrolled under' });
  }
  if (enrolled.signing === own) return;
  if (!formerKeys.some((key) => keyId(key) === enrolled.signing)) {
    throw new Fault('KEY_INVALID', { expected: 'the signing key that this site’s log names, or its successor' });
  }
  await ledger.write({ type: 'identity.rekeyed', signing: own });
}

/** What a renewal writes in the log before anything of it happens. */
export const renewalRecords = (ledger: Pick<SiteLedger, 'write'>): Pick<RenewalPorts, 'sending' | 'record'> => ({
  sending: (request) => ledger.write({ type: 'egress.sent', message: 'renew', ...sizeOf(request) }),
  record: ({ spki, notAfter }) => ledger.write({ type: 'cert.renewed', spki, notAfter }),
});

export const sizeOf = (document: Uint8Array): { readonly bytes: number; readonly sha256: Digest } => ({
  bytes: document.byteLength,
  sha256: digestOf(document),
});
