import { keyId } from '@consilium/identity';
import type { Dossier } from './dossier.js';
import { recordsOf } from './recorded.js';

/**
 * Who the sites say they are: enrolled under the policy's root, with a key that some roster gives them, and holding
 * rosters that the root has signed.
 */
export function auditIdentities({ policy, sites, rosters, findings, tools }: Dossier): void {
  const root = tools.digest(certificateDer(policy.root));
  for (const [site, { records }] of sites) {
    const keys = new Set<string>(rosters.keysOf(site).map(keyId));
    for (const entry of recordsOf(records, 'identity.enrolled', 'identity.rekeyed')) {
      if (!keys.has(entry.signing))
        findings.add('KEY_FOREIGN', entry.ref, `a key that a roster gives ${site}`, entry.signing);
      if (entry.type === 'identity.enrolled' && entry.root !== root)
        findings.add('FEDERATION_FOREIGN', entry.ref, `the policy’s root ${root}`, entry.root);
    }
    for (const { ref, version, roster: digest } of recordsOf(records, 'roster.accepted')) {
      const roster = rosters.get(digest);
      if (roster?.version !== version)
        findings.add(
          'ROSTER_INVALID',
          ref,
          `roster ${version} signed by the policy’s root`,
          roster ? `version ${roster.version}` : digest,
        );
    }
  }
}

/** The bytes of a PEM certificate. The policy's root was read as a certificate before. */
const certificateDer = (pem: string): Uint8Array =>
  Buffer.from(pem.replace(/-----[^-]+-----/g, '').replace(/\s/g, ''), 'base64');
