import type { Code } from '@consilium/stdx';

/** What OpenSSL's verification of a certificate says, in our words; see `man x509_verify_cert_error_string`. */
const VERDICTS: Readonly<Record<string, Code>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'PEER_CERTIFICATE_FOREIGN',
  SELF_SIGNED_CERT_IN_CHAIN: 'PEER_CERTIFICATE_FOREIGN',
  UNABLE_TO_GET_ISSUER_CERT: 'PEER_CERTIFICATE_FOREIGN',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'PEER_CERTIFICATE_FOREIGN',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'PEER_CERTIFICATE_FOREIGN',
  CERT_SIGNATURE_FAILURE: 'PEER_CERTIFICATE_FOREIGN',
  CERT_HAS_EXPIRED: 'CERTIFICATE_INVALID',
  CERT_NOT_YET_VALID: 'CERTIFICATE_INVALID',
};

/**
 * The code for an OpenSSL verdict, as Node names it in `authorizationError` or an error's `code`; undefined for one that
 * is not about the certificate. `misfit` is the code for a certificate with the purpose of another kind of peer.
 */
export function codeOfVerification(verdict: unknown, misfit: Code): Code | undefined {
  const name = verdict instanceof Error && 'code' in verdict ? verdict.code : verdict;
  if (typeof name !== 'string') return undefined;
  return name === 'INVALID_PURPOSE' ? misfit : VERDICTS[name];
}
