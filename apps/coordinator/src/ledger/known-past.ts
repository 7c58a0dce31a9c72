import {
  coordinatorCosigner,
  encodeEquivocation,
  findConflict,
  LOG_SIGNATURE,
  noteText,
  openCheckpoint,
  parseCheckpointNote,
  verifierKey,
  type Checkpoint,
  type CoordinatorEvent,
  type TileLog,
  type VerifierKey,
} from '@consilium/ledger';
import { Fault, type SiteName } from '@consilium/stdx';
import type { Log } from '../log.js';
import type { Halt } from './halt.js';
import { shardOf, type ShardId } from './shard-id.js';
import type { Shards } from './shards.js';
import type { StartGate } from './start-gate.js';

/** How much of one shard of our log somebody has cosigned. */
export interface Known {
  readonly shard: ShardId;
  readonly size: number;
}

/** Where evidence that our log has told two histories is kept for whoever has to decide what happens next. */
export interface EquivocationFile {
  exists(): Promise<boolean>;
  write(json: string): Promise<void>;
}

/**
 * Holds what a site has cosigned of our log against the log itself, before anything else is said to it. Only a
 * checkpoint that our own key has signed counts. If it says more than the log has, the log was restored from an old
 * copy; if it says something else, there are two histories: the coordinator then does nothing more.
 */
export class KnownPast {
  constructor(
    private readonly parts: {
      readonly federation: string;
      /** 32 bytes. */
      readonly publicKey: Uint8Array;
      readonly shards: Shards;
      readonly gate: Pick<StartGate, 'agrees'>;
      readonly halt: Halt;
      readonly equivocation: EquivocationFile;
      readonly record: (event: CoordinatorEvent) => Promise<void>;
      readonly log: Log;
    },
  ) {}

  /**
   * `note` is a Hello's `coordinator_checkpoint`, empty for a site that has cosigned nothing. Faults: LEDGER_NOTE_INVALID
   * and LEDGER_SIGNATURE_INVALID for what our key has not signed; LEDGER_ROLLED_BACK and LEDGER_FORKED, which also halt.
   */
  async judge(site: SiteName, note: Uint8Array): Promise<Known | undefined> {
    const { gate, halt } = this.parts;
    halt.require();
    const known = note.byteLength ? await this.#compare(site, noteText(note)) : undefined;
    gate.agrees(site);
    return known;
  }

  async #compare(site: SiteName, note: string): Promise<Known> {
    const { shards } = this.parts;
    const { checkpoint, logKey, shard } = this.#open(note);
    if (!shards.all.includes(shard)) {
      return this.#stop(site, 'rollback', new Fault('LEDGER_ROLLED_BACK', { witnessed: checkpoint.size }));
    }
    const log = await shards.log(shard);
    try {
      log.requireExtends(checkpoint);
    } catch (error) {
      if (Fault.is(error, 'LEDGER_ROLLED_BACK')) return this.#stop(site, 'rollback', error);
      if (!Fault.is(error, 'LEDGER_FORKED')) throw error;
      const conflict = findConflict({ note }, { note: log.note, tree: treeOf(log) }, logKey);
      if (conflict) await this.parts.equivocation.write(encodeEquivocation(conflict));
      return this.#stop(site, 'equivocation', error);
    }
    return { shard, size: checkpoint.size };
  }

  #open(note: string): { readonly checkpoint: Checkpoint; readonly logKey: VerifierKey; readonly shard: ShardId } {
    const { origin } = parseCheckpointNote(note).checkpoint;
    const prefix = `${coordinatorCosigner(this.parts.federation)}/`;
    const shard = origin.startsWith(prefix) ? shardOf(origin.slice(prefix.length)) : undefined;
    if (shard === undefined) throw new Fault('LEDGER_SIGNATURE_INVALID', { what: 'another log' });
    const logKey = verifierKey(origin, LOG_SIGNATURE, this.parts.publicKey);
    return { checkpoint: openCheckpoint(note, logKey, []).checkpoint, logKey, shard };
  }

  /** The alert is stored but not signed any more: whatever this log still signed would be the other history. */
  async #stop(site: SiteName, kind: 'rollback' | 'equivocation', why: Fault): Promise<never> {
    const { halt, record, log } = this.parts;
    await record({ type: 'alert', kind, site }).catch((err: unknown) => log.error({ err }, 'an alert was not stored'));
    halt.now(why);
    log.fatal({ site, err: why }, 'the log is not what a site has seen of it; the coordinator does nothing more');
    throw why;
  }
}

const treeOf = (log: TileLog) => ({
  root: (size: number) => log.rootAt(size),
  consistencyProof: (oldSize: number, size: number) => log.consistencyProof(oldSize, size),
});
