import {
  CHECKPOINT_PATH,
  decodeEntryBundle,
  entryBundles,
  hashTiles,
  noteText,
  parseCheckpointNote,
  readEntry,
  tilePath,
  type LedgerEntry,
} from '@consilium/ledger';
import { Fault } from '@consilium/stdx';
import { parseOrigin } from '../audit/history.js';
import type { SourceLog } from './source.js';

/** One log as it was at one moment: a checkpoint, and exactly the tiles that it needs. */
export interface LogCopy {
  readonly origin: string;
  readonly size: number;
  /** By path below the log's folder. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** By index, to see where they lead; undefined where one cannot be read. Nothing is verified. */
  readonly entries: readonly (LedgerEntry | undefined)[];
}

/** A log that grows faster than it can be copied is given up after so many attempts. */
const ATTEMPTS_MAX = 20;

/**
 * Copies a log that its program goes on writing: first the checkpoint, then only what it needs. A partial tile is taken
 * away once the full one is there; then a newer checkpoint is there too, and the copy begins again with it. Undefined
 * where the log has no checkpoint yet. Faults: LEDGER_CORRUPT where tiles stay away.
 */
export async function copyLog({ read }: SourceLog): Promise<LogCopy | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const checkpoint = await read(CHECKPOINT_PATH);
    if (!checkpoint) return undefined;
    const { origin, size } = parseCheckpointNote(noteText(checkpoint)).checkpoint;
    const files = new Map([[CHECKPOINT_PATH, checkpoint]]);
    const bundles = entryBundles(size);
    for (const { level, index, width } of [...bundles, ...hashTiles(size)]) {
      const path = tilePath(level, index, width);
      const bytes = await read(path);
      if (!bytes) break;
      files.set(path, bytes);
    }
    if (files.size < 1 + bundles.length + hashTiles(size).length) continue;
    const entries = bundles.flatMap(({ index, width }) =>
      entriesIn(files.get(tilePath('entries', index, width))!, width, origin),
    );
    return { origin, size, files, entries };
  }
  throw new Fault('LEDGER_CORRUPT', { what: 'a tile is missing', attempts: ATTEMPTS_MAX });
}

function entriesIn(bundle: Uint8Array, width: number, origin: string): (LedgerEntry | undefined)[] {
  const kind = parseOrigin(origin)?.owner.kind;
  const none = Array<undefined>(width).fill(undefined);
  if (!kind) return none;
  try {
    return decodeEntryBundle(bundle, width).map((bytes) => readable(bytes, kind));
  } catch (error) {
    if (Fault.is(error)) return none; // copied all the same: the audit tells what is wrong with it
    throw error;
  }
}

function readable(bytes: Uint8Array, kind: 'coordinator' | 'site'): LedgerEntry | undefined {
  try {
    return readEntry(bytes, kind);
  } catch (error) {
    if (Fault.is(error)) return undefined;
    throw error;
  }
}
