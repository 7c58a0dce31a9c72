import { quorumOf } from '@consilium/ledger';
import type { SiteName } from '@consilium/stdx';
import type { Findings } from '../findings.js';
import type { RunReplay } from '../replay/run-replay.js';
import type { Dossier } from './dossier.js';
import { parseOrigin, sizeOf, wasAt, witnessName, type AnyHistory, type LogState } from './history.js';
import { recordsOf, type SiteEntryOf } from './recorded.js';

/** One state of the coordinator's log that a site cosigned, as that site's own log or the final checkpoint says. */
export interface Cosigned {
  readonly site: SiteName;
  readonly year: number;
  readonly size: number;
  /** UTC milliseconds by the site's clock. */
  readonly at: number;
}

/**
 * Every state of the coordinator's log that the sites saw must be a state of the log in the bundle, and the reverse:
 * otherwise somebody was shown another history. Answers all cosignatures whose root is right.
 */
export function auditWitnesses(dossier: Dossier): readonly Cosigned[] {
  compareSiteCheckpoints(dossier);
  return [...fromSiteLogs(dossier), ...fromCheckpoints(dossier)];
}

function fromSiteLogs({ sites, coordinator, findings, policy }: Dossier): Cosigned[] {
  const cosigned: Cosigned[] = [];
  for (const [site, log] of sites) {
    for (const { ref, year, size, root, at } of recordsOf(log.records, 'witness.cosigned')) {
      const state = { year, size, root };
      if (requireState(coordinator, state, `${policy.federation}/coordinator`, ref, findings)) {
        cosigned.push({ site, year, size, at });
      }
    }
  }
  return cosigned;
}

function fromCheckpoints({ coordinator, policy, rosters }: Dossier): Cosigned[] {
  const sites = [...rosters.siteNames];
  return coordinator.shards.flatMap(({ cosigned, year, size }) =>
    sites.flatMap((site) => {
      const seconds = cosigned.get(witnessName(policy.federation, { kind: 'site', site }));
      return seconds === undefined ? [] : [{ site, year, size, at: seconds * 1000 }];
    }),
  );
}

/** The checkpoints of the sites' logs that the coordinator wrote down: hub and site together cannot rewrite that log. */
function compareSiteCheckpoints({ sites, coordinator, findings, policy }: Dossier): void {
  for (const { ref, site, year, size, root } of recordsOf(coordinator.records, 'site.checkpoint')) {
    const log = sites.get(site);
    if (!log) continue;
    requireState(log, { year, size, root }, `${policy.federation}/site/${site}`, ref, findings);
  }
}

/** Whether a log was once in the state that another log tells of; a finding says why not, for lost entries LOG_RESTORED. */
function requireState(history: AnyHistory, state: LogState, name: string, ref: string, findings: Findings): boolean {
  const { year, size, root } = state;
  const answer = wasAt(history, state);
  const expected = `${name}/${year} with root ${root} at size ${size}`;
  if (answer === 'behind') findings.add('LOG_BEHIND', ref, expected, `${sizeOf(history, year)} entries`);
  if (answer === 'other') findings.add('HISTORY_REWRITTEN', ref, expected, 'another root at that size');
  return answer === 'yes';
}

/**
 * Each offer of a round lies under one checkpoint that enough of the plan's sites cosigned, ⌊(n + f) / 2⌋ + 1 of n. A
 * site whose log is missing may have cosigned anything; that it is missing is a finding of its own.
 */
export function auditQuorums({ runs, findings, sites }: Dossier, cosigned: readonly Cosigned[]): void {
  for (const { plan, rounds } of runs) {
    const quorum = quorumOf(plan.sites.length);
    const unheard = plan.sites.filter((site) => !sites.has(site)).length;
    for (const { offered } of rounds) {
      if (!offered) continue;
      const { year } = parseOrigin(offered.origin)!;
      const most = Math.max(0, ...countsOver(cosigned, plan.sites, year, offered.index).values());
      if (most + unheard < quorum)
        findings.add(
          'OFFER_NOT_WITNESSED',
          offered.ref,
          `${quorum} of ${plan.sites.length} sites under one checkpoint`,
          `at most ${most}`,
        );
    }
  }
}

/** How many of the sites cosigned each state that includes the entry, by its size. */
function countsOver(
  cosigned: readonly Cosigned[],
  sites: readonly SiteName[],
  year: number,
  index: number,
): ReadonlyMap<number, number> {
  const bySize = new Map<number, Set<SiteName>>();
  for (const one of cosigned) {
    if (one.year !== year || one.size <= index || !sites.includes(one.site)) continue;
    bySize.set(one.size, (bySize.get(one.size) ?? new Set()).add(one.site));
  }
  return new Map([...bySize].map(([size, names]) => [size, names.size]));
}

/** What a site trained on the strength of: the offer really stood in the coordinator's log at that size. */
export function auditEvidence({ sites, coordinator, findings, runs }: Dossier): void {
  for (const log of sites.values()) {
    for (const entry of recordsOf(log.records, 'evidence.accepted')) {
      const offer = offerFor(entry, runs, coordinator.records);
      const due = `an offer of model ${entry.model} in the coordinator’s log`;
      if (!offer) {
        findings.add('EVIDENCE_DIFFERS', entry.ref, due, 'no such offer');
        continue;
      }
      const { year } = parseOrigin(offer.origin)!;
      const { size, root } = entry;
      if (size <= offer.index)
        findings.add('EVIDENCE_DIFFERS', entry.ref, `a checkpoint that includes ${offer.ref}`, `size ${size}`);
      else if (wasAt(coordinator, { year, size, root }) !== 'yes')
        findings.add('EVIDENCE_DIFFERS', entry.ref, 'a state of the coordinator’s log', `size ${size}, root ${root}`);
    }
  }
}

function offerFor(
  { run, round, attempt, model }: SiteEntryOf<'evidence.accepted'>,
  runs: readonly RunReplay[],
  records: Dossier['coordinator']['records'],
): { ref: string; index: number; origin: string } | undefined {
  if (round === undefined)
    return recordsOf(records, 'evaluation.offered').find((offer) => offer.run === run && offer.model === model);
  const replay = runs.find(({ started }) => started.run === run);
  const pass = replay?.rounds.find((one) => one.round === round && one.attempt === attempt && one.base === model);
  return pass?.offered ?? undefined;
}
