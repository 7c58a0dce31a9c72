import { keyId, type Approval, type OpenedEnvelope } from '@consilium/identity';
import type { Digest, SiteName } from '@consilium/stdx';
import type { RunReplay } from '../replay/run-replay.js';
import { openDocument, type Dossier } from './dossier.js';
import { hasLostEntries } from './history.js';
import { recordsOf, type CoordinatorEntryOf, type SiteRecord } from './recorded.js';

/** One site's yes to one run, verified. */
export interface ApprovalOfRun {
  readonly run: string;
  readonly site: SiteName;
  readonly approval: Approval;
  /** The roles of the people who signed; empty where the site's settings let the agent decide. */
  readonly roles: readonly string[];
}

/**
 * Every decision of every site about every run: that coordinator and site tell the same, that an approval is signed by
 * the site and by its approvers (whom the policy names, not the coordinator), is of this very plan and run, and that
 * nothing was offered after it had expired or been withdrawn.
 */
export async function auditApprovals(dossier: Dossier): Promise<readonly ApprovalOfRun[]> {
  const approvals: ApprovalOfRun[] = [];
  const used = new Map<Digest, string>();
  for (const run of dossier.runs) {
    for (const decision of decisionsOf(dossier, run)) {
      compareDecisions(decision, dossier);
      if (!decision.approved) continue;
      if (decision.envelope === null) {
        dossier.findings.add('APPROVAL_MISSING', decision.ref, 'an approval that the site has signed', 'none');
        continue;
      }
      const other = used.get(decision.envelope);
      if (other) dossier.findings.add('APPROVAL_REUSED', decision.ref, 'one approval, one run', `also of ${other}`);
      used.set(decision.envelope, decision.run);
      const opened = await openApproval(decision, run, decision.envelope, dossier);
      if (!opened) continue;
      const approval = opened.payload;
      compareApproval(approval, decision, run, dossier);
      const roles = rolesOf(opened, decision.site, dossier);
      requirePeople(approval, roles, decision, dossier);
      requireUnexpired(approval, decision, run, dossier);
      approvals.push({ run: decision.run, site: decision.site, approval, roles });
    }
    requireNotWithdrawn(run, dossier);
  }
  return approvals;
}

type Decision = CoordinatorEntryOf<'plan.decided'>;

const decisionsOf = ({ coordinator }: Dossier, { started }: RunReplay): readonly Decision[] =>
  recordsOf(coordinator.records, 'plan.decided').filter(({ run }) => run === started.run);

/** What the site's own log says about the same decision. */
function compareDecisions(decision: Decision, { sites, findings }: Dossier): void {
  const log = sites.get(decision.site);
  if (!log) return; // LOG_MISSING has told it
  const own = recordsOf(log.records, 'plan.approved', 'plan.rejected').filter(({ run }) => run === decision.run);
  const agrees = own.some((entry) =>
    decision.approved
      ? entry.type === 'plan.approved' && entry.plan === decision.plan && entry.envelope === decision.envelope
      : entry.type === 'plan.rejected' && entry.plan === decision.plan,
  );
  // A withdrawal before training reaches the coordinator as a decision of its own.
  const withdrew =
    !decision.approved && recordsOf(log.records, 'plan.withdrawn').some(({ run }) => run === decision.run);
  if (agrees || withdrew) return;
  if (own.length === 0 && hasLostEntries(log)) return; // LOG_RESTORED has told it
  const told = own.map(({ type, ref }) => `${type} at ${ref}`).join(', ');
  findings.add(
    'DECISION_DIFFERS',
    decision.ref,
    decision.approved ? 'plan.approved' : 'plan.rejected',
    told || 'no decision',
  );
}

function openApproval(
  { site, ref }: Decision,
  { plan }: RunReplay,
  digest: Digest,
  dossier: Dossier,
): Promise<OpenedEnvelope<'approval'> | undefined> {
  const siteKey = dossier.tools.key(plan.roster.sites[site]!);
  const may = approversOf(site, dossier).map(({ signing }) => dossier.tools.key(signing));
  return openDocument(dossier, { type: 'approval', digest, ref, code: 'APPROVAL_INVALID' }, { must: [siteKey], may });
}

const approversOf = (site: SiteName, { policy }: Dossier) =>
  policy.sites.find(({ name }) => name === site)?.approvers ?? [];

function compareApproval(approval: Approval, decision: Decision, { plan, started }: RunReplay, dossier: Dossier): void {
  const due = {
    federation: dossier.policy.federation,
    study: plan.study,
    plan: started.plan,
    run: decision.run,
    site: decision.site,
  };
  const came = {
    federation: approval.federation,
    study: approval.study,
    plan: approval.plan ?? 'none',
    run: approval.run ?? 'none',
    site: approval.site,
  };
  const wrong = (Object.keys(due) as (keyof typeof due)[]).filter((field) => due[field] !== came[field]);
  for (const field of wrong)
    dossier.findings.add('APPROVAL_INVALID', decision.ref, `${field} ${due[field]}`, `${field} ${came[field]}`);

  const log = dossier.sites.get(decision.site);
  const loaded = log && recordsOf(log.records, 'dataset.loaded').filter(({ run }) => run === decision.run);
  if (loaded && !loaded.some(({ dataset }) => dataset === approval.dataset)) {
    const told = loaded.map(({ dataset }) => dataset).join(' ') || 'no dataset';
    dossier.findings.add('APPROVAL_INVALID', decision.ref, `dataset ${approval.dataset}`, told);
  }
}

const rolesOf = ({ signers }: OpenedEnvelope<'approval'>, site: SiteName, dossier: Dossier): readonly string[] => {
  const signed = new Set(signers.map(keyId));
  return approversOf(site, dossier)
    .filter(({ signing }) => signed.has(keyId(dossier.tools.key(signing))))
    .map(({ role }) => role);
};

/** Where the policy names approvers, each of their roles must have signed; under a standing approval, that one is signed. */
function requirePeople(approval: Approval, roles: readonly string[], { site, ref }: Decision, dossier: Dossier): void {
  const due = [...new Set(approversOf(site, dossier).map(({ role }) => role))];
  if (due.length === 0 || approval.by === 'standing') return;
  const missing = due.filter((role) => !roles.includes(role));
  if (missing.length > 0)
    dossier.findings.add('APPROVAL_INVALID', ref, `signed by ${due.join(' and ')}`, `without ${missing.join(' and ')}`);
}

function requireUnexpired(approval: Approval, { site }: Decision, run: RunReplay, { findings }: Dossier): void {
  for (const { offered, participants } of run.rounds) {
    if (!offered || !participants.includes(site) || offered.at <= approval.expiresMs) continue;
    const [due, came] = [approval.expiresMs, offered.at].map((ms) => new Date(ms).toISOString());
    findings.add('APPROVAL_EXPIRED', offered.ref, `before ${due}`, `${came} by the coordinator’s clock`);
  }
}

/** Nothing of a site's goes into a run after the site has taken its approval back, or while it is suspended. */
function requireNotWithdrawn({ started, plan }: RunReplay, { sites, findings }: Dossier): void {
  for (const site of plan.sites) {
    let stopped: SiteRecord | undefined;
    for (const record of sites.get(site)?.records ?? []) {
      if (record.type === 'plan.withdrawn' && record.run === started.run) stopped = record;
      if (record.type === 'plan.suspended' && record.plan === started.plan) stopped ??= record;
      if (record.type === 'plan.resumed' && record.plan === started.plan && stopped?.type === 'plan.suspended')
        stopped = undefined;
      const acts = record.type === 'update.signed' && record.run === started.run;
      if (acts && stopped) findings.add('APPROVAL_WITHDRAWN', record.ref, `nothing after ${stopped.ref}`, record.type);
    }
  }
}
