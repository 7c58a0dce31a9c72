import type { LedgerEntry } from '@consilium/ledger';
import type { Clock, Digest } from '@consilium/stdx';
import { parseOrigin, witnessName } from '../audit/history.js';
import { referencesOf } from '../audit/references.js';
import { logFolder, pathOn, type Bundle, type Shelf } from './bundle.js';
import { copyLog, type LogCopy } from './copy-log.js';
import type { Source, SourceLog } from './source.js';

/** How often logs are read again until they agree, and how long it waits when nothing has changed. */
const PASSES_MAX = 50;
const PAUSE_MS = 100;

/**
 * Collects the evidence of a federation that goes on working. Each log is copied at another moment, and logs tell of
 * each other, so a log that another one has seen further is read again, until each holds all that the others say of it
 * (or the federation moves on faster than it can be read; the audit then names what is behind). Then every file that
 * the entries lead to is taken along, where a source has it; what stays at a site by right is left out.
 */
export async function gather(sources: readonly Source[], clock: Pick<Clock, 'after'>): Promise<Bundle> {
  const logs: { readonly source: SourceLog; copy: LogCopy | undefined }[] = [];
  for (const source of sources)
    for (const log of await source.logs()) logs.push({ source: log, copy: await copyLog(log) });

  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const copies = logs.flatMap(({ copy }) => copy ?? []);
    const behind = logsBehind(copies);
    if (behind.size === 0) break;
    let moved = false;
    for (const log of logs) {
      if (!log.copy || !behind.has(ownerOf(log.copy))) continue;
      const size = log.copy.size;
      log.copy = await copyLog(log.source);
      moved ||= log.copy?.size !== size;
    }
    if (!moved) await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
  }
  return collect(longestOfEach(logs.flatMap(({ copy }) => copy ?? [])), sources);
}

/** Two sources may have the same log, one of them an older copy. */
function longestOfEach(copies: readonly LogCopy[]): readonly LogCopy[] {
  const longest = new Map<string, LogCopy>();
  for (const copy of copies) if (copy.size >= (longest.get(copy.origin)?.size ?? 0)) longest.set(copy.origin, copy);
  return [...longest.values()];
}

/** The owners (`FED/site/NAME`) whose log is shorter than what another log says of it. */
export function logsBehind(copies: readonly LogCopy[]): ReadonlySet<string> {
  const sizes = new Map<string, number>();
  for (const copy of copies) {
    const key = `${ownerOf(copy)}/${parseOrigin(copy.origin)?.year}`;
    sizes.set(key, Math.max(copy.size, sizes.get(key) ?? 0));
  }
  const owners = new Set(copies.map(ownerOf));
  const behind = new Set<string>();
  const require = (owner: string, year: number, size: number): void => {
    if (owners.has(owner) && (sizes.get(`${owner}/${year}`) ?? 0) < size) behind.add(owner);
  };
  const signed = new Set(
    copies.flatMap(({ origin, entries }) => readable(entries).flatMap((entry) => updateKey(entry, origin) ?? [])),
  );
  for (const { origin, entries } of copies) {
    const federation = parseOrigin(origin)?.federation ?? '';
    for (const entry of readable(entries)) {
      if (entry.type === 'witness.cosigned') require(`${federation}/coordinator`, entry.year, entry.size);
      if (entry.type === 'site.checkpoint') require(`${federation}/site/${entry.site}`, entry.year, entry.size);
      if (entry.type === 'update.committed' && !signed.has(`${entry.site} ${entry.sha256}`))
        require(`${federation}/site/${entry.site}`, 0, Infinity);
    }
  }
  return behind;
}

/** A site's own word for an update, which the coordinator cannot have counted before the site wrote it down. */
function updateKey(entry: LedgerEntry, origin: string): string | undefined {
  const owner = parseOrigin(origin)?.owner;
  return entry.type === 'update.signed' && owner?.kind === 'site' ? `${owner.site} ${entry.sha256}` : undefined;
}

const readable = (entries: LogCopy['entries']): readonly LedgerEntry[] =>
  entries.filter((entry) => entry !== undefined);

const ownerOf = ({ origin }: LogCopy): string => {
  const parsed = parseOrigin(origin);
  return parsed ? witnessName(parsed.federation, parsed.owner) : origin;
};

/** The logs' files in memory, everything else read from its source when it is asked for. */
async function collect(copies: readonly LogCopy[], sources: readonly Source[]): Promise<Bundle> {
  const logFiles = new Map<string, Uint8Array>();
  const named = new Map<string, { shelf: Shelf; digest: Digest }>();
  for (const { origin, files, entries } of copies) {
    for (const [path, bytes] of files) logFiles.set(logFolder(origin) + path, bytes);
    for (const entry of readable(entries))
      for (const { shelf, digest, need } of referencesOf(entry))
        if (need !== 'private') named.set(pathOn(shelf, digest), { shelf, digest });
  }
  const find = async ({ shelf, digest }: { shelf: Shelf; digest: Digest }): Promise<Uint8Array | undefined> => {
    for (const source of sources) {
      const bytes = await source.file(shelf, digest);
      if (bytes) return bytes;
    }
    return undefined;
  };
  const there: string[] = [];
  for (const [path, name] of named) if (await find(name)) there.push(path);
  return {
    paths: [...logFiles.keys(), ...there].sort(),
    read: async (path) => logFiles.get(path) ?? (named.has(path) ? find(named.get(path)!) : undefined),
  };
}
