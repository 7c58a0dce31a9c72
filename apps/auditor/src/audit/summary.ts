import { quorumOf } from '@consilium/ledger';
import type { Digest } from '@consilium/stdx';
import { parseOrigin } from './history.js';
import type { RunReplay } from '../replay/run-replay.js';
import type { Derivation } from './aggregates.js';
import type { ApprovalOfRun } from './approvals.js';
import type { Dossier } from './dossier.js';
import { recordsOf } from './recorded.js';
import { formatInterval, intervalOf, isImplausible } from './times.js';
import type { Cosigned } from './witnesses.js';

/** What ran, in numbers and digests: the part of a report that is the same whether the verdict is pass or fail. */
export interface Summary {
  readonly federation: string;
  readonly logs: readonly LogSummary[];
  readonly runs: readonly RunSummary[];
  /** What each site says that it let out, by kind of message. */
  readonly egress: readonly EgressSummary[];
  readonly notes: readonly string[];
}

export interface LogSummary {
  readonly origin: string;
  readonly size: number;
  readonly root: Digest;
  readonly cosigners: readonly string[];
}

export interface RunSummary {
  readonly run: string;
  readonly study: string;
  readonly title: string;
  readonly plan: Digest;
  readonly legalBasis: string;
  readonly ethics: string;
  readonly jurisdictions: readonly string[];
  readonly started: string;
  readonly outcome: string;
  readonly model: Digest;
  readonly approvals: readonly {
    readonly site: string;
    readonly by: string;
    readonly roles: readonly string[];
    readonly until: string;
  }[];
  readonly quorum: number;
  readonly rounds: readonly RoundSummary[];
}

export interface RoundSummary {
  readonly round: number;
  readonly attempt: number;
  readonly outcome: string;
  readonly offered: string | null;
  readonly model: Digest | null;
  readonly contributors: readonly string[];
  readonly dropped: Readonly<Record<string, string>>;
  readonly bytes: number;
  readonly derivation: Derivation | null;
}

export interface EgressSummary {
  readonly site: string;
  readonly message: string;
  readonly messages: number;
  readonly bytes: number;
}

export interface Chapters {
  readonly cosigned: readonly Cosigned[];
  readonly approvals: readonly ApprovalOfRun[];
  readonly derivations: ReadonlyMap<string, Derivation>;
}

export function summarise(dossier: Dossier, chapters: Chapters): Summary {
  return {
    federation: dossier.policy.federation,
    logs: logsOf(dossier),
    runs: dossier.runs.map((run) => runOf(run, dossier, chapters)),
    egress: egressOf(dossier),
    notes: dossier.notes,
  };
}

const logsOf = ({ coordinator, sites }: Dossier): readonly LogSummary[] =>
  [coordinator, ...sites.values()].flatMap(({ shards }) =>
    shards.map(({ origin, size, root, cosigned }) => ({ origin, size, root, cosigners: [...cosigned.keys()].sort() })),
  );

function runOf(run: RunReplay, dossier: Dossier, { cosigned, approvals, derivations }: Chapters): RunSummary {
  const { plan, started } = run;
  const when = (entry: { origin: string; index: number; at: number }): string => {
    const interval = intervalOf({ ...entry, year: parseOrigin(entry.origin)!.year }, cosigned);
    if (isImplausible(interval))
      dossier.notes.push(
        `${entry.origin}#${entry.index} claims ${new Date(entry.at).toISOString()}, which its witnesses contradict`,
      );
    return formatInterval(interval);
  };
  const { ethics, legalBasis, jurisdictions } = plan.governance;
  return {
    run: started.run,
    study: plan.study,
    title: plan.title,
    plan: started.plan,
    legalBasis,
    ethics: `${ethics.number}, ${ethics.authority}, until ${ethics.expires}`,
    jurisdictions,
    started: when(started),
    outcome: run.ended ? run.ended.outcome : `not ended (${run.run.phase})`,
    model: run.model,
    approvals: approvals
      .filter((approval) => approval.run === started.run)
      .sort((a, b) => (a.site < b.site ? -1 : 1))
      .map(({ site, approval: { by, expiresMs }, roles }) => ({
        site,
        by,
        roles,
        until: new Date(expiresMs).toISOString(),
      })),
    quorum: quorumOf(plan.sites.length),
    rounds: run.rounds.map((round) => ({
      round: round.round,
      attempt: round.attempt,
      outcome: round.outcome,
      offered: round.offered && when(round.offered),
      model: round.published?.model ?? null,
      contributors: round.contributors,
      dropped: round.dropped,
      bytes: round.committed.reduce((sum, { bytes }) => sum + bytes, 0),
      derivation: round.published ? (derivations.get(round.published.entry) ?? null) : null,
    })),
  };
}

function egressOf({ sites }: Dossier): readonly EgressSummary[] {
  const sums = new Map<string, EgressSummary>();
  const add = (site: string, message: string, messages: number, bytes: number): void => {
    const key = `${site} ${message}`;
    const before = sums.get(key) ?? { site, message, messages: 0, bytes: 0 };
    sums.set(key, { ...before, messages: before.messages + messages, bytes: before.bytes + bytes });
  };
  for (const [site, { records }] of sites) {
    for (const { message, bytes } of recordsOf(records, 'egress.sent')) add(site, message, 1, bytes);
    for (const { kind, messages, bytes } of recordsOf(records, 'egress.summed'))
      add(site, `${kind} (summed)`, messages, bytes);
  }
  return [...sums.values()];
}
