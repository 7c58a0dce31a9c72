import { canonicalJson, digestOf, utf8 } from '@consilium/stdx';
import type { SiteLedger } from '../ledger/site-ledger.js';
import type { Settings } from '../settings.js';

/** The settings by which this site says yes. */
export type ApprovalRules = Pick<Settings, 'approve' | 'approvers' | 'jurisdiction'>;

/** As a document, which stays at the site: the log names it by its digest. */
export const policyDocument = ({ approve, approvers, jurisdiction }: ApprovalRules): Uint8Array =>
  utf8(canonicalJson({ approve, approvers: approvers.map(({ role, signing }) => ({ role, signing })), jurisdiction }));

/** Whose word counts here stands in the log, anew whenever the settings say another thing than it does. */
export async function recordPolicy(ledger: SiteLedger, rules: ApprovalRules): Promise<void> {
  const document = policyDocument(rules);
  const policy = digestOf(document);
  if (ledger.enrolled.policy === policy) return;
  await ledger.documents.put(document);
  await ledger.write({ type: 'policy.changed', policy });
}
