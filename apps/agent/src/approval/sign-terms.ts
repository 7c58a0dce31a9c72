import {
  addSignature,
  decodePublicKey,
  encodePublicKey,
  openEnvelope,
  signEnvelope,
  type Approval,
} from '@consilium/identity';
import { canonicalJson, Fault } from '@consilium/stdx';
import type { LockedKey } from '../keys/person-key.js';
import type { Settings } from '../settings.js';
import type { Role } from './roles.js';

/** The roles in which this key may sign, by the site's own settings. SIGNATURE_INVALID where it has none. */
export function rolesOf(
  { publicKey }: Pick<LockedKey, 'publicKey'>,
  { approvers }: Pick<Settings, 'approvers'>,
): Role[] {
  const own = encodePublicKey(publicKey);
  const roles = approvers.filter(({ signing }) => signing === own).map(({ role }) => role);
  if (roles.length === 0) throw new Fault('SIGNATURE_INVALID', { expected: 'a key that stands under approvers' });
  return roles;
}

/**
 * The document with one more signature: over these very terms, which the person has read. What others have signed before
 * is added to only if it says the same, since a signature is put under what stands there.
 */
export async function signTerms(
  terms: Approval,
  signed: string | null,
  key: LockedKey,
  { approvers }: Pick<Settings, 'approvers'>,
): Promise<Uint8Array> {
  const before = signed === null ? null : new Uint8Array(Buffer.from(signed, 'base64'));
  if (before) {
    const any = approvers.map(({ signing }) => decodePublicKey(signing));
    const { payload } = openEnvelope(before, 'approval', { any });
    if (canonicalJson(payload) !== canonicalJson(terms)) {
      throw new Fault('REQUEST_INVALID', { field: 'signed', expected: 'the terms that were shown' });
    }
  }
  const opened = await key.unlock();
  return before ? addSignature(before, 'approval', opened) : signEnvelope('approval', terms, [opened]);
}
