import { auditLog, encodeVerifierKey, openCheckpoint, requireEnrolled, type VerifierKey } from '@consilium/ledger';
import { Fault, toHex, type Digest } from '@consilium/stdx';
import { logFolder, type Bundle } from '../bundle/bundle.js';
import { FINDINGS, Findings, type Finding, type FindingCode } from '../findings.js';
import type { Origin, Shard } from './history.js';
import type { Memo } from './memo.js';
import type { CoordinatorRecord, SiteRecord } from './recorded.js';
import type { Tools } from './tools.js';

export type AnyShard = Shard<CoordinatorRecord> | Shard<SiteRecord>;

export interface LogKeys {
  readonly logKey: readonly VerifierKey[];
  readonly witnesses: readonly VerifierKey[];
}

export interface ShardRequest {
  /** The origin as it is written, and taken apart. */
  readonly name: string;
  readonly origin: Origin;
  /** How many entries its owner's earlier logs have. */
  readonly offset: number;
  readonly keys: LogKeys;
  /** Everybody whom an entry may name. */
  readonly sites: ReadonlySet<string>;
  readonly tools: Pick<Tools, 'hash' | 'checks'>;
}

export interface ShardReading {
  /** The files that were read, by their paths in the bundle. */
  readonly read: ReadonlySet<string>;
  readonly findings: readonly Finding[];
  /** Absent where anything was found. */
  readonly shard?: AnyShard;
}

/**
 * One log, every byte of it checked: the checkpoint's signature and all cosignatures (an unknown or repeated line is
 * refused), every tile, the tree over the entries, each entry's canonical form and closed schema, and that it names
 * nobody who was never enrolled.
 */
export async function readShard(bundle: Bundle, request: ShardRequest): Promise<ShardReading> {
  const { name, origin, keys, sites, tools } = request;
  const read = new Set<string>();
  const remember = async (path: string): Promise<Uint8Array | undefined> => {
    const whole = logFolder(name) + path;
    const bytes = await bundle.read(whole);
    if (bytes) read.add(whole);
    return bytes;
  };
  const { kind } = origin.owner;
  const open = opener(tools.checks);
  const log = await auditLog({ read: remember, origin: name, kind, ...keys, strict: true, hash: tools.hash, open });
  const findings = new Findings();
  for (const { code, entry, expected, found } of log.findings)
    findings.add(isOurs(code) ? code : 'LEDGER_CORRUPT', entry, expected, found);
  const records = log.entries.flatMap((entry, index) => {
    const place = { ref: `${name}#${index}`, origin: name, index, sequence: request.offset + index };
    return entry ? [{ ...entry, ...place } as CoordinatorRecord] : [];
  });
  for (const record of records) requireKnown(record, sites, findings);
  if (findings.list.length > 0 || !log.opened) return { read, findings: findings.list };

  const { checkpoint, cosigned } = log.opened;
  const place = { origin: name, year: origin.year, part: origin.part, offset: request.offset };
  const root = toHex(checkpoint.root) as Digest;
  const shard = { ...place, size: checkpoint.size, root, tree: log.tree, cosigned, records } as AnyShard;
  return { read, findings: [], shard };
}

/** Signatures take most of the time of an audit; those of a note that was opened with the same keys before hold still. */
const opener =
  (checks: Memo): typeof openCheckpoint =>
  (note, logKey, witnesses, options) => {
    const keys = [logKey, ...witnesses].flat().map(encodeVerifierKey);
    return checks.now(['note', note, ...keys].join('\n'), () => openCheckpoint(note, logKey, witnesses, options));
  };

function requireKnown(record: CoordinatorRecord, sites: ReadonlySet<string>, findings: Findings): void {
  try {
    requireEnrolled(record, sites);
  } catch (error) {
    if (!Fault.is(error)) throw error;
    findings.add('LEDGER_ID_NOT_ENROLLED', record.ref, 'enrolled sites', error.message);
  }
}

const isOurs = (code: string): code is FindingCode => Object.hasOwn(FINDINGS, code);
