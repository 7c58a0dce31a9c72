import { certificateFacts, encodePublicKey, fingerprintWords, keyId, openRoster } from '@consilium/identity';
import { readIdentity } from '../identity.js';
import { readSettings, type Settings } from '../settings.js';
import type { Terminal } from '../terminal.js';

/**
 * `agent identity`: who this site is, as an auditor needs it from the site itself and from nobody else: the fragment of
 * a policy file (`consilium.policy/1`) with the site's key and its approvers, and the root that it believes.
 */
export async function identity(options: { settings: string; json?: boolean }, terminal: Terminal): Promise<void> {
  const settings = await readSettings(options.settings, terminal.env);
  const { signing, rootPem, rootDigest, certificatePem, roster } = await readIdentity(settings.identity);
  const policy = {
    name: settings.site,
    signing: encodePublicKey(signing.publicKey),
    approvers: approversOf(settings),
  };
  const { version } = openRoster(roster, rootPem);
  const { notAfter } = certificateFacts(certificatePem);
  const words = fingerprintWords(signing.publicKey);
  if (options.json) {
    const facts = { words, keyid: keyId(signing.publicKey), root: rootDigest, rosterVersion: version, notAfter };
    return terminal.out(JSON.stringify({ federation: settings.federation, policy, rootPem, ...facts }));
  }
  for (const line of [
    `site         ${settings.site} of ${settings.federation}`,
    `signing key  ${policy.signing}`,
    `six words    ${words}`,
    `root         ${rootDigest} (SHA-256)`,
    `roster       version ${version} at the enrolment`,
    `certificate  until ${new Date(notAfter).toISOString()}`,
    ...policy.approvers.map(({ role, signing: key }) => `approver     ${key} (${role})`),
    '',
    'For an auditor’s policy file, under "sites":',
    JSON.stringify(policy),
  ])
    terminal.out(line);
}

const approversOf = ({ approvers }: Settings): readonly { role: string; signing: string }[] =>
  approvers.map(({ role, signing }) => ({ role, signing }));
