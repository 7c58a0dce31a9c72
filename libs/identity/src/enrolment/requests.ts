import type { Join, Rekey } from '../documents/enrolment.js';
import { openSelfSigned } from '../dsse/envelope.js';
import { decodePublicKey } from '../keys/signing-key.js';

/**
 * Opens a request to join: signed with the key that it names and nobody else's, which proves that the site holds it.
 * Whose key it is, an admin decides by comparing the fingerprint. Faults as those of `openEnvelope`, and KEY_INVALID.
 */
export const openJoin = (bytes: Uint8Array): Join =>
  openSelfSigned(bytes, 'join', ({ signing }) => decodePublicKey(signing), []);

/** Opens a request for another signing key: signed with the enrolled key and the new one. Faults as above. */
export const openRekey = (bytes: Uint8Array, enrolledKey: Uint8Array): Rekey =>
  openSelfSigned(bytes, 'rekey', ({ signing }) => decodePublicKey(signing), [enrolledKey]);
