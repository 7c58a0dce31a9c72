import { Fault } from '@consilium/stdx';
import { attempt } from './attempt.js';
import { openCheckpoint, type Checkpoint, type OpenedCheckpoint } from './checkpoint.js';
import { readEntry, type EntryFor, type LogKind } from './entry.js';
import { findingFault, type Finding } from './finding.js';
import { plainHash, type Hash } from './hash.js';
import { inspect, inspectEarlierPartials } from './inspect.js';
import { shardYear } from './log-name.js';
import { MerkleTree } from './merkle.js';
import { noteText } from './note.js';
import type { ReadLogFile } from './storage.js';
import { CHECKPOINT_PATH } from './tiles.js';
import type { VerifierKey } from './verifier-key.js';

/** Which log to read, and whom to believe. Nothing of this comes from the log itself. */
export interface LogRequest<Kind extends LogKind> {
  readonly read: ReadLogFile;
  readonly origin: string;
  /** The key, or the keys of a log that was rekeyed, under the origin as name. */
  readonly logKey: VerifierKey | readonly VerifierKey[];
  readonly witnesses: readonly VerifierKey[];
  readonly kind: Kind;
  /** Whether signature lines of unknown keys are refused; so they are unless said otherwise. */
  readonly strict?: boolean;
  readonly hash?: Hash;
  /** Another way to call the same function: for whoever reads a log again and remembers whose signatures hold. */
  readonly open?: typeof openCheckpoint;
}

/** One shard of a log, every byte of it checked. */
export interface VerifiedLog<Kind extends LogKind = LogKind> {
  readonly checkpoint: Checkpoint;
  /** The note as it was read, with all its signatures. */
  readonly note: string;
  readonly cosigned: ReadonlyMap<string, number>;
  readonly entries: readonly EntryFor<Kind>[];
  /** The same entries as they are hashed. */
  readonly bytes: readonly Uint8Array[];
  /** For proofs. */
  readonly tree: MerkleTree;
}

/** What could be read of a log, and all that is wrong with it. */
export interface AuditedLog<Kind extends LogKind = LogKind> {
  readonly findings: readonly Finding[];
  /** By index; undefined where an entry cannot be read. */
  readonly entries: readonly (EntryFor<Kind> | undefined)[];
  readonly bytes: readonly (Uint8Array | undefined)[];
  /** Undefined when there is no checkpoint of this log. */
  readonly opened: OpenedCheckpoint | undefined;
  readonly note: string | undefined;
  readonly tree: MerkleTree;
}

/** A damaged log may have a finding for every entry; a report needs no more than these. */
export const FINDINGS_MAX = 1000;

/** Reads and verifies one shard; throws the first thing that is wrong with it. */
export async function readLog<Kind extends LogKind>(request: LogRequest<Kind>): Promise<VerifiedLog<Kind>> {
  const { findings, opened, note, entries, bytes, tree } = await collect(request, 1);
  if (findings[0]) throw findingFault(findings[0]);
  const { checkpoint, cosigned } = opened!;
  const all = { entries: entries as EntryFor<Kind>[], bytes: bytes as Uint8Array[] };
  return { checkpoint, cosigned, note: note!, tree, ...all };
}

/** Reads one shard as far as it can be read and lists what is wrong with it, up to FINDINGS_MAX findings. */
export const auditLog = <Kind extends LogKind>(request: LogRequest<Kind>): Promise<AuditedLog<Kind>> =>
  collect(request, FINDINGS_MAX);

async function collect<Kind extends LogKind>(request: LogRequest<Kind>, limit: number): Promise<AuditedLog<Kind>> {
  const findings: Finding[] = [];
  const reading = examine(request);
  for (;;) {
    const step = await reading.next();
    if (step.done) return { ...step.value, findings };
    findings.push(step.value);
    if (findings.length === limit) return { ...NOTHING, findings, tree: new MerkleTree() };
  }
}

const NOTHING = { entries: [], bytes: [], opened: undefined, note: undefined };

type Examined<Kind extends LogKind> = Omit<AuditedLog<Kind>, 'findings'>;

async function* examine<Kind extends LogKind>(request: LogRequest<Kind>): AsyncGenerator<Finding, Examined<Kind>> {
  const { read, origin, kind, hash = plainHash } = request;
  const checkpointFile = await read(CHECKPOINT_PATH);
  const nothing = { ...NOTHING, tree: new MerkleTree(hash) };
  if (!checkpointFile) {
    yield { code: 'LEDGER_CORRUPT', entry: `${origin}/${CHECKPOINT_PATH}`, expected: 'a file', found: 'none' };
    return nothing;
  }
  const opening = attempt(() => open(checkpointFile, request));
  if (opening.fault) {
    yield about(opening.fault, `${origin}/${CHECKPOINT_PATH}`);
    return nothing;
  }
  const { note, opened } = opening.value;
  const { checkpoint } = opened;

  const bytes: (Uint8Array | undefined)[] = [];
  const inspection = { read, checkpoint, hash, visit: (entry: Uint8Array, i: number) => void (bytes[i] = entry) };
  const tree = yield* inspect(inspection);
  if (tree.size === checkpoint.size) yield* inspectEarlierPartials(inspection);
  bytes.length = tree.size;

  const entries: (EntryFor<Kind> | undefined)[] = [];
  for (const [index, entry] of bytes.entries()) {
    const reading = attempt(() => entry && readEntry(entry, kind));
    if (reading.fault) yield about(reading.fault, `${origin}#${index}`);
    entries.push(reading.value);
  }
  yield* openings(entries, origin);
  return { note, opened, entries, bytes, tree };
}

function open(file: Uint8Array, request: LogRequest<LogKind>) {
  const { origin, logKey, witnesses, strict = true, open: openNote = openCheckpoint } = request;
  const note = noteText(file);
  const opened = openNote(note, logKey, witnesses, { strict });
  if (opened.checkpoint.origin !== origin) throw new Fault('LEDGER_SIGNATURE_INVALID', { what: 'another origin' });
  return { note, opened };
}

/** A shard opens with the entry that says so, for the year that its name has, and opens once. */
function* openings(entries: readonly (EntryFor<LogKind> | undefined)[], origin: string): Generator<Finding> {
  for (const [index, entry] of entries.entries()) {
    const opens = entry?.type === 'shard.opened';
    const expected = index === 0 ? 'shard.opened' : 'another entry than shard.opened';
    if (entry && opens !== (index === 0))
      yield { code: 'LEDGER_CORRUPT', entry: `${origin}#${index}`, expected, found: entry.type };
    else if (opens && entry.year !== shardYear(origin))
      yield { code: 'LEDGER_CORRUPT', entry: `${origin}#0`, expected: 'the year in its name', found: `${entry.year}` };
  }
}

const about = ({ code, facts }: Fault, entry: string): Finding => ({
  code,
  entry,
  expected: 'the canonical form',
  found: Object.entries(facts)
    .map(([key, value]) => `${key} ${value}`)
    .join(', '),
});
