import { join } from 'node:path';
import { diskFiles, Documents, DurableLog, type Files } from '@consilium/archive';
import { siteCosigner, type SiteEntry } from '@consilium/ledger';
import { systemClock } from '@consilium/machine';
import { Fault, type Clock } from '@consilium/stdx';
import { ownState } from '../fatal.js';
import type { Identity } from '../identity.js';
import type { Settings } from '../settings.js';
import { ShardedLog } from './sharded-log.js';

/** Where the site's memory lies in the state directory. */
export const LEDGER_FOLDERS = { log: 'ledger', documents: 'documents', outbox: 'outbox' } as const;

export type WhoseLog = Pick<Settings, 'state' | 'site' | 'federation'>;

/** The log on disk with all that it held; every entry is hashed again. LEDGER_CORRUPT for anything that does not add up. */
export interface OpenedLog {
  readonly log: DurableLog<'site'>;
  readonly sharded: ShardedLog;
  readonly past: readonly SiteEntry[];
}

export const openLog = (whose: WhoseLog, identity: Identity, clock: Pick<Clock, 'now'>): Promise<OpenedLog> =>
  ownState(open(diskFiles(join(whose.state, LEDGER_FOLDERS.log)), whose, identity, clock));

/** The same for somebody who only looks, beside a running agent too: nothing is written. NOT_FOUND when there is none. */
export const readLog = (whose: WhoseLog, identity: Identity): Promise<OpenedLog> =>
  open(onlyReading(diskFiles(join(whose.state, LEDGER_FOLDERS.log))), whose, identity, systemClock);

export const documentsOf = ({ state }: Pick<Settings, 'state'>): Documents =>
  new Documents(join(state, LEDGER_FOLDERS.documents));

async function open(
  files: Files,
  { site, federation }: WhoseLog,
  { signing, formerKeys }: Identity,
  clock: Pick<Clock, 'now'>,
): Promise<OpenedLog> {
  const origin = siteCosigner(federation, site);
  const log = await DurableLog.over(files, { kind: 'site', origin, signer: signing, clock, formerKeys });
  const past: SiteEntry[] = [];
  for await (const entry of log.entries()) past.push(entry);
  const openings = past.flatMap((event) => (event.type === 'shard.opened' ? [event] : []));
  return { log, sharded: new ShardedLog(log, openings, origin), past };
}

/** A line that the agent is writing at this moment counts as torn, and is left alone. */
function onlyReading(files: Files): Files {
  const refuse = (): never => {
    throw new Fault('NOT_FOUND', { what: 'a log' });
  };
  const within = (folder: string) => ({
    ...files.within(folder),
    write: refuse,
    writeAll: refuse,
    remove: async () => {},
  });
  return { ...files, write: refuse, writeAll: refuse, append: refuse, truncate: async () => {}, within };
}
