import { keyId } from '@consilium/identity';
import { canonicalJson } from '@consilium/stdx';
import type { ApprovalOfRun } from './approvals.js';
import { openDocument, type Dossier } from './dossier.js';
import { recordsOf } from './recorded.js';

/**
 * Runs that a site approved under a standing approval: the people signed that one, its words are those that the run's
 * approval repeats, it was not withdrawn before, and all of its runs together keep within its rounds.
 */
export async function auditStanding(approvals: readonly ApprovalOfRun[], dossier: Dossier): Promise<void> {
  const roundsUsed = new Map<string, number>();
  for (const { run, site, approval } of approvals) {
    const log = dossier.sites.get(site);
    if (approval.by !== 'standing' || !log) continue;
    const approved = recordsOf(log.records, 'plan.approved').find((entry) => entry.run === run);
    if (!approved) continue; // DECISION_DIFFERS has told it

    const terms = canonicalJson(approval.envelope);
    const grant = await findGrant(terms, approved.sequence, site, dossier);
    if (!grant) {
      dossier.findings.add('APPROVAL_INVALID', approved.ref, 'a standing approval in force with these terms', 'none');
      continue;
    }
    const { plan } = dossier.runs.find(({ started }) => started.run === run)!;
    const used = (roundsUsed.get(grant) ?? 0) + plan.rounds.count;
    roundsUsed.set(grant, used);
    const { rounds } = approval.envelope!;
    if (used > rounds)
      dossier.findings.add(
        'APPROVAL_INVALID',
        approved.ref,
        `at most ${rounds} rounds of all runs together`,
        `${used}`,
      );
  }
}

/** The digest of the newest standing approval with these terms that held at this place of the site's log. */
async function findGrant(
  terms: string,
  before: number,
  site: ApprovalOfRun['site'],
  dossier: Dossier,
): Promise<string | undefined> {
  const { records } = dossier.sites.get(site)!;
  const grants = recordsOf(records, 'standing.granted').filter(({ sequence }) => sequence < before);
  const withdrawn = new Set(
    recordsOf(records, 'standing.withdrawn')
      .filter(({ sequence }) => sequence < before)
      .map(({ envelope }) => envelope),
  );
  const approvers = dossier.policy.sites.find(({ name }) => name === site)?.approvers ?? [];
  const siteKeys = dossier.rosters.keysOf(site);
  const may = [...siteKeys, ...approvers.map(({ signing }) => dossier.tools.key(signing))];
  for (const { envelope: digest, ref } of grants.reverse()) {
    if (withdrawn.has(digest)) continue;
    const document = { type: 'approval', digest, ref, code: 'APPROVAL_INVALID' } as const;
    const opened = await openDocument(dossier, document, { must: [], may });
    if (!opened || canonicalJson(opened.payload.envelope) !== terms) continue;
    const signed = new Set(opened.signers.map(keyId));
    const roles = approvers
      .filter(({ signing }) => signed.has(keyId(dossier.tools.key(signing))))
      .map(({ role }) => role);
    const whole = siteKeys.some((key) => signed.has(keyId(key))) && approvers.every(({ role }) => roles.includes(role));
    if (whole) return digest;
  }
  return undefined;
}
