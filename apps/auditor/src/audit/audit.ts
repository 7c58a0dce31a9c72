import type { Policy } from '@consilium/identity';
import type { Bundle } from '../bundle/bundle.js';
import { Findings, type Finding } from '../findings.js';
import { isRunEntry } from '../replay/run-entries.js';
import { RunReplay } from '../replay/run-replay.js';
import { auditAggregates } from './aggregates.js';
import { auditApprovals } from './approvals.js';
import type { Dossier } from './dossier.js';
import { auditEvaluations } from './evaluations.js';
import { Files } from './files.js';
import { parseOrigin, witnessName } from './history.js';
import { auditIdentities } from './identities.js';
import { auditLastSeen } from './last-seen.js';
import { readLogs, type Logs } from './logs.js';
import { auditForce, auditProposals, planOf } from './plans.js';
import { recordsOf } from './recorded.js';
import { reachFiles } from './reach.js';
import { Rosters } from './rosters.js';
import { joinShards } from './shards.js';
import { noteAlerts } from './alerts.js';
import { auditStanding } from './standing.js';
import { summarise, type Summary } from './summary.js';
import type { Tools } from './tools.js';
import { auditUpdates } from './updates.js';
import { auditEvidence, auditQuorums, auditWitnesses } from './witnesses.js';

/** What an audit answers. `pass` means that nothing at all was found; a gap is a failure too. */
export interface Report {
  readonly verdict: 'pass' | 'fail';
  readonly findings: readonly Finding[];
  readonly summary: Summary;
}

/**
 * Audits a bundle against a policy that comes from elsewhere. It trusts nothing in the bundle: first the rosters that
 * the policy's root has signed, then the logs that the rosters' keys have signed, then everything that their entries
 * say, each held against what somebody else's log, a signed document or arithmetic says.
 *
 * It reads the bundle only, needs no clock and no network, and the same bundle and policy give the same report.
 */
export async function audit(bundle: Bundle, policy: Policy, tools: Tools): Promise<Report> {
  const findings = new Findings();
  const files = await Files.read(bundle, tools, findings);
  const rosters = await Rosters.read(files, policy, tools);
  const logs = await readLogs({ bundle, files, policy, rosters, tools, findings });
  const named = rosters.siteNames;
  const { coordinator, sites } = joinShards(logs, policy, named, findings);
  seenBefore(logs, policy, findings);
  // Without the coordinator's log nothing ties the rest together, and each file would be a finding of its own.
  if (!coordinator) return reportOf(findings, { ...EMPTY, federation: policy.federation });

  rosters.follow(coordinator.records, findings);
  const base = { policy, coordinator, sites, rosters, files, findings, tools, notes: [] as string[] };
  const dossier: Dossier = { ...base, runs: await replayRuns(base) };
  const summary = await readChapters(dossier);
  reachFiles(dossier);
  files.reportUnreached(findings);
  return reportOf(findings, summary);
}

/** The chapters of the audit, in the order in which things happen in a federation. */
async function readChapters(dossier: Dossier): Promise<Summary> {
  auditIdentities(dossier);
  await auditProposals(dossier);
  auditForce(dossier);
  const approvals = await auditApprovals(dossier);
  await auditStanding(approvals, dossier);
  const cosigned = auditWitnesses(dossier);
  auditQuorums(dossier, cosigned);
  auditEvidence(dossier);
  const statements = await auditUpdates(dossier);
  auditEvaluations(dossier);
  noteAlerts(dossier);
  const derivations = await auditAggregates(dossier, statements);
  return summarise(dossier, { cosigned, approvals, derivations });
}

/** Each run's entries through the state machines; a run whose plan cannot be read is told and left out. */
async function replayRuns(dossier: Omit<Dossier, 'runs'>): Promise<readonly RunReplay[]> {
  const { coordinator, findings } = dossier;
  const runs = new Map<string, RunReplay>();
  for (const started of recordsOf(coordinator.records, 'run.started')) {
    const plan = await planOf(started, dossier);
    if (plan && !runs.has(started.run)) runs.set(started.run, new RunReplay(started, plan, findings));
  }
  for (const entry of coordinator.records) {
    if (!isRunEntry(entry)) continue;
    const replay = runs.get(entry.run);
    if (replay && replay.started.sequence !== entry.sequence) replay.apply(entry);
  }
  return [...runs.values()];
}

function seenBefore({ shards }: Logs, policy: Policy, findings: Findings): void {
  const historyOf = (name: string) => {
    const origin = parseOrigin(name);
    const own = origin && shards.get(witnessName(origin.federation, origin.owner));
    return own && { history: { shards: own }, year: origin.year };
  };
  auditLastSeen(policy, historyOf, findings);
}

/** The report of an audit that could not begin: a bundle cannot vouch for itself. */
export function reportWithoutPolicy(code: 'POLICY_MISSING' | 'POLICY_INVALID', found: string): Report {
  const findings = new Findings();
  findings.add(code, null, 'a policy from outside the bundle (--policy FILE)', found);
  return reportOf(findings, EMPTY);
}

const EMPTY: Summary = { federation: 'unknown', logs: [], runs: [], egress: [], notes: [] };

function reportOf(findings: Findings, summary: Summary): Report {
  const { list, beyond } = findings;
  const notes = beyond > 0 ? [...summary.notes, `${beyond} findings more`] : summary.notes;
  return { verdict: list.length === 0 ? 'pass' : 'fail', findings: list, summary: { ...summary, notes } };
}
