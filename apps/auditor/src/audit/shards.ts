import type { Policy } from '@consilium/identity';
import type { SiteName } from '@consilium/stdx';
import type { Findings } from '../findings.js';
import { witnessName, type CoordinatorHistory, type History, type Owner, type SiteHistory } from './history.js';
import type { Logs } from './logs.js';
import type { AnyShard } from './read-shard.js';
import type { CoordinatorRecord, SiteRecord } from './recorded.js';

export interface Histories {
  readonly coordinator: CoordinatorHistory | undefined;
  readonly sites: ReadonlyMap<SiteName, SiteHistory>;
}

/**
 * Joins each owner's logs over the years, and names those that are missing: one for the coordinator and for each site of
 * the policy and of the newest roster. Without a site's log, what the coordinator says of it stays unconfirmed.
 */
export function joinShards(logs: Logs, policy: Policy, sites: Iterable<SiteName>, findings: Findings): Histories {
  const join = <R extends CoordinatorRecord | SiteRecord>(owner: Owner): History<R> | undefined => {
    const name = witnessName(policy.federation, owner);
    const shards = logs.shards.get(name);
    if (!shards) {
      if (!logs.broken.has(name)) findings.add('LOG_MISSING', null, `the log of ${name}`, 'none in the bundle');
      return undefined;
    }
    shards.forEach((shard, i) => requireJoined(shard, shards[i - 1], findings));
    return { shards, records: shards.flatMap(({ records }): readonly unknown[] => records) } as unknown as History<R>;
  };
  const coordinator = join<CoordinatorRecord>({ kind: 'coordinator' });
  const joined = [...new Set(sites)].sort().map((site) => [site, join<SiteRecord>({ kind: 'site', site })] as const);
  return {
    coordinator,
    sites: new Map(joined.filter((pair): pair is [SiteName, SiteHistory] => pair[1] !== undefined)),
  };
}

/** A log opens with the final state of the one before: nothing can be slipped in or taken away at the turn of a year. */
function requireJoined({ origin, records, part }: AnyShard, before: AnyShard | undefined, findings: Findings): void {
  const opened = records[0];
  if (opened?.type !== 'shard.opened') return; // an empty log has not opened yet
  const { predecessor, reason, lost, ref } = opened;
  const due = before ? `${before.size} entries, root ${before.root}` : 'no predecessor';
  const came = predecessor ? `${predecessor.size} entries, root ${predecessor.root}` : 'no predecessor';
  if (predecessor && !before)
    findings.add('LOG_MISSING', ref, `the log before ${origin}, ${came}`, 'none in the bundle');
  else if (due !== came) findings.add('SHARD_BROKEN', ref, due, came);
  if ((reason === 'restore') !== part > 1)
    findings.add('SHARD_BROKEN', ref, part > 1 ? 'a restore' : 'no restore', reason);
  if (lost > 0) findings.add('LOG_RESTORED', ref, 'all entries that were witnessed', `${lost} entries lost`);
}
