import { decodePublicKey, type Policy } from '@consilium/identity';
import { LOG_SIGNATURE, verifierKey, type VerifierKey } from '@consilium/ledger';
import { witnessName } from '../audit/history.js';

/** The keys of the logs that a policy believes, each under its log's name without the year. */
export const trustedKeys = ({ federation, coordinator, sites }: Policy): readonly VerifierKey[] => [
  verifierKey(witnessName(federation, { kind: 'coordinator' }), LOG_SIGNATURE, decodePublicKey(coordinator.signing)),
  ...sites.map(({ name, signing }) =>
    verifierKey(witnessName(federation, { kind: 'site', site: name }), LOG_SIGNATURE, decodePublicKey(signing)),
  ),
];

/** Whether a log's key is the policy's: the same bytes, under a name of the same owner. */
export const isTrustedKey = (key: VerifierKey, trusted: readonly VerifierKey[]): boolean =>
  trusted.some(
    ({ name, publicKey }) =>
      key.name.startsWith(`${name}/`) && Buffer.from(publicKey).equals(Buffer.from(key.publicKey)),
  );
