import type { LedgerEntry } from '@consilium/ledger';
import { logFolder, originsIn, type Bundle } from './bundle/bundle.js';
import { copyLog } from './bundle/copy-log.js';
import { parseOrigin } from './audit/history.js';

/** An entry as it stands in a log, with its place. Nothing is verified: `report` does that. */
export interface Listed {
  readonly origin: string;
  readonly index: number;
  readonly entry: LedgerEntry;
}

export interface Filter {
  readonly origin?: string;
  readonly type?: string;
  readonly run?: string;
  readonly site?: string;
}

/** The entries of all logs that fit the filter, log by log in order of their origins, each in its own order. */
export async function listEntriesOf(bundle: Bundle, filter: Filter = {}): Promise<readonly Listed[]> {
  const listed: Listed[] = [];
  for (const origin of originsIn(bundle)) {
    const copy = await copyLog({ read: (path) => bundle.read(logFolder(origin) + path) });
    copy?.entries.forEach((entry, index) => entry && listed.push({ origin, index, entry }));
  }
  return listed.filter((one) => fits(one, filter));
}

function fits({ origin, entry }: Listed, filter: Filter): boolean {
  const owner = parseOrigin(origin)?.owner;
  const ofSite = owner?.kind === 'site' ? owner.site : 'site' in entry ? entry.site : undefined;
  return (
    (filter.origin === undefined || filter.origin === origin) &&
    (filter.type === undefined || filter.type === entry.type) &&
    (filter.run === undefined || ('run' in entry && entry.run === filter.run)) &&
    (filter.site === undefined || filter.site === ofSite)
  );
}
