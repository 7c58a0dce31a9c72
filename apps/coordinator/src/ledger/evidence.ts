import { Fault, toHex, utf8, type Digest, type SiteName } from '@consilium/stdx';
import { mayPass } from '../runs/insist.js';
import type { LedgerPlace, LedgerRows } from '../ports.js';
import type { Voters } from './campaign.js';
import type { Integrator } from './integrator.js';
import type { ShardId } from './shard-id.js';
import type { Shards } from './shards.js';
import type { WitnessBoard } from './witness-board.js';

/** That an entry stands in the coordinator's log under a witnessed checkpoint, as it is sent (`Evidence` of the protocol). */
export interface SentEvidence {
  readonly entry: Buffer;
  readonly index: number;
  readonly checkpoint: Buffer;
  readonly inclusion: readonly Buffer[];
}

/** A checkpoint as a signed statement names it. */
export interface NamedCheckpoint {
  readonly size: number;
  readonly root: Digest;
}

/** What an offer needs before it may leave. */
export interface EvidenceDesk {
  /**
   * Evidence for the stored entry of this subject, once a quorum of the voters, and the reader who is to be shown it,
   * have cosigned one checkpoint over it. Waits for sites and for a full disk as long as it must; CANCELLED by the signal.
   */
  seek(subject: string, voters: Voters, reader: SiteName, signal: AbortSignal): Promise<SentEvidence>;
  /** When a quorum of the voters has cosigned what this start of the program published: the state is no old copy. */
  fresh(voters: Voters, signal: AbortSignal): Promise<void>;
  /** Whether this was a checkpoint of the log in which the entry of this subject stood. */
  stoodIn(subject: string, checkpoint: NamedCheckpoint): Promise<boolean>;
}

type Found = { readonly entry: string; readonly place: LedgerPlace };

export class LedgerEvidence implements EvidenceDesk {
  /** Lookups under way: all sites of a round ask for the same entry at once. */
  readonly #finding = new Map<string, Promise<Found>>();

  constructor(
    private readonly parts: {
      readonly rows: LedgerRows;
      readonly shards: Shards;
      readonly integrator: Integrator;
      readonly boardOf: (shard: ShardId) => Promise<WitnessBoard>;
    },
  ) {}

  async seek(subject: string, voters: Voters, reader: SiteName, signal: AbortSignal): Promise<SentEvidence> {
    await this.#integrated(signal);
    const { entry, place } = await this.#find(subject);
    const board = await this.parts.boardOf(place.shard);
    const { size, note } = await board.want({ leaf: place.leaf, voters, reader }, signal);
    const log = await this.parts.shards.log(place.shard);
    const inclusion = log.inclusionProof(place.leaf, size).map((hash) => Buffer.from(hash));
    return { entry: Buffer.from(utf8(entry)), index: place.leaf, checkpoint: Buffer.from(utf8(note)), inclusion };
  }

  async fresh(voters: Voters, signal: AbortSignal): Promise<void> {
    await this.#integrated(signal);
    const { shards, boardOf } = this.parts;
    const { size } = await shards.log(shards.newest);
    await (await boardOf(shards.newest)).want({ leaf: size - 1, voters, reader: null }, signal);
  }

  async stoodIn(subject: string, { size, root }: NamedCheckpoint): Promise<boolean> {
    const place = (await this.parts.rows.find(subject))?.place;
    if (!place) return false;
    const log = await this.parts.shards.log(place.shard);
    return size > place.leaf && size <= log.size && toHex(log.rootAt(size)) === root;
  }

  #find(subject: string): Promise<Found> {
    const under = this.#finding.get(subject);
    if (under) return under;
    const finding = this.#lookUp(subject).finally(() => this.#finding.delete(subject));
    this.#finding.set(subject, finding);
    return finding;
  }

  async #lookUp(subject: string): Promise<Found> {
    const row = await this.parts.rows.find(subject);
    if (!row?.place) throw new Fault('LEDGER_CORRUPT', { what: 'a stored event has no entry' });
    return { entry: row.entry, place: row.place };
  }

  /** When everything stored so far is published, however long the disk or the database takes to heal. */
  async #integrated(signal: AbortSignal): Promise<void> {
    const { integrator } = this.parts;
    for (;;) {
      if (signal.aborted) throw new Fault('CANCELLED');
      try {
        return await integrator.checkpoint();
      } catch (error) {
        if (!mayPass(error)) throw error;
        await integrator.nextPass(signal);
      }
    }
  }
}
