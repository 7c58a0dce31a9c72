import { claimedSigners, decodePublicKey, keyId, openEnvelope } from '@consilium/identity';
import type { SignedPlan } from '@consilium/round';
import { canonicalJson, Fault, fromUtf8, utf8, type Digest, type RunId, type SiteName } from '@consilium/stdx';

/** An approval that a site sends is small; its approvers' signatures are the most of it. */
const APPROVAL_BYTES_MAX = 64 * 1024;

/**
 * Takes a site's approval only if it is the site's own, of this plan in this run. The site's key stands in the plan. The
 * people who approved sign too, with keys that the coordinator does not know and has no say about: an auditor who has
 * them from the hospital verifies those.
 *
 * Faults: APPROVAL_INVALID; ENVELOPE_INVALID, SIGNATURE_INVALID, SIGNATURE_MISSING.
 */
export function requireApproval(
  envelope: Uint8Array,
  of: { readonly run: RunId; readonly planDigest: Digest; readonly plan: SignedPlan; readonly site: SiteName },
): void {
  if (envelope.byteLength > APPROVAL_BYTES_MAX) throw new Fault('ENVELOPE_INVALID', { bytes: envelope.byteLength });
  const { plan, site } = of;
  const key = decodePublicKey(plan.roster.sites[site]!);
  const { payload } = openEnvelope(onlySignedBy(envelope, keyId(key)), 'approval', { all: [key] });
  const expected = { federation: plan.federation, study: plan.study, plan: of.planDigest, run: of.run, site };
  for (const [field, value] of Object.entries(expected)) {
    if (payload[field as keyof typeof expected] !== value) throw new Fault('APPROVAL_INVALID', { field });
  }
}

/** The same envelope with one signature left. It was in its one spelling before, and is again. */
function onlySignedBy(envelope: Uint8Array, key: Digest): Uint8Array {
  if (!claimedSigners(envelope, 'approval').includes(key)) throw new Fault('SIGNATURE_MISSING', { missing: 1 });
  const frame = JSON.parse(fromUtf8(envelope)) as { signatures: readonly { readonly keyid: string }[] };
  return utf8(canonicalJson({ ...frame, signatures: frame.signatures.filter(({ keyid }) => keyid === key) } as never));
}
