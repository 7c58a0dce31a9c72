import { COSIGNATURE, LOG_SIGNATURE, verifierKey } from '@consilium/ledger';
import type { Policy } from '@consilium/identity';
import { toHex, type SiteName } from '@consilium/stdx';
import { logFolder, originsIn, type Bundle } from '../bundle/bundle.js';
import type { Findings } from '../findings.js';
import type { Files } from './files.js';
import { parseOrigin, witnessName, type Origin, type Owner } from './history.js';
import { readShard, type AnyShard, type LogKeys, type ShardReading } from './read-shard.js';
import type { Rosters } from './rosters.js';
import type { Tools } from './tools.js';

export interface LogDesk {
  readonly bundle: Bundle;
  readonly files: Files;
  readonly policy: Policy;
  readonly rosters: Rosters;
  readonly tools: Tools;
  readonly findings: Findings;
}

/** The logs of a bundle, by their owner's witness name, as far as they can be believed. */
export interface Logs {
  readonly shards: ReadonlyMap<string, readonly AnyShard[]>;
  /** Whose log is there and is not believed: a finding says why. */
  readonly broken: ReadonlySet<string>;
}

/**
 * Verifies every log of the bundle. An owner one of whose logs has any fault is not believed at all, since what was
 * changed in one place may have been changed in another.
 */
export async function readLogs(desk: LogDesk): Promise<Logs> {
  const shards = new Map<string, AnyShard[]>();
  const broken = new Set<string>();
  for (const { name, ...origin } of knownOrigins(desk)) {
    const owner = witnessName(origin.federation, origin.owner);
    const before = shards.get(owner) ?? [];
    const last = before.at(-1);
    const { read, findings, shard } = await reading(name, origin, last ? last.offset + last.size : 0, desk);
    for (const path of read) desk.files.reach(path);
    for (const { code, entry, expected, found } of findings) desk.findings.add(code, entry, expected, found);
    if (shard) shards.set(owner, [...before, shard]);
    else broken.add(owner);
  }
  for (const owner of broken) shards.delete(owner);
  return { shards, broken };
}

function knownOrigins({ bundle, policy, rosters, findings }: LogDesk): readonly (Origin & { name: string })[] {
  const isKnown = ({ federation, owner }: Origin): boolean =>
    federation === policy.federation && (owner.kind === 'coordinator' || rosters.siteNames.has(owner.site));
  const known = originsIn(bundle).flatMap((name) => {
    const origin = parseOrigin(name);
    if (origin && isKnown(origin)) return [{ ...origin, name }];
    findings.add('LOG_UNKNOWN', null, `a log of ${policy.federation} and its sites`, name);
    return [];
  });
  return known.sort((a, b) => a.year - b.year || a.part - b.part);
}

/** The verdict on one log, which depends on the contents of its files, the keys that are believed, and its place alone. */
async function reading(name: string, origin: Origin, offset: number, desk: LogDesk): Promise<ShardReading> {
  const { bundle, rosters, tools } = desk;
  const folder = logFolder(name);
  const keys = keysFor(name, origin.owner, desk);
  const content: string[] = [`${offset}`];
  for (const { name: signer, publicKey } of [...keys.logKey, ...keys.witnesses]) content.push(signer, toHex(publicKey));
  for (const path of bundle.paths)
    if (path.startsWith(folder)) content.push(path, tools.digest((await bundle.read(path)) ?? new Uint8Array()));
  const request = { name, origin, offset, keys, sites: rosters.siteNames, tools };
  return tools.logs.once(content.join('\n'), () => readShard(bundle, request));
}

/** A log may have been rekeyed, so all keys that its owner ever had may sign it, and all that the others ever had cosign. */
function keysFor(origin: string, owner: Owner, { policy, rosters }: LogDesk): LogKeys {
  const keysOf = (of: Owner): readonly Uint8Array[] => rosters.keysOf(of.kind === 'site' ? of.site : null);
  const others: Owner[] = [
    { kind: 'coordinator' },
    ...[...rosters.siteNames].sort().map((site: SiteName): Owner => ({ kind: 'site', site })),
  ];
  return {
    logKey: keysOf(owner).map((key) => verifierKey(origin, LOG_SIGNATURE, key)),
    witnesses: others.flatMap((of) =>
      keysOf(of).map((key) => verifierKey(witnessName(policy.federation, of), COSIGNATURE, key)),
    ),
  };
}
