import type { DurableLog } from '@consilium/archive';
import type { Checkpoint, SiteEvent, TileLog, VerifierKey } from '@consilium/ledger';
import { Fault } from '@consilium/stdx';
import type { SignedLog } from '../own-log.js';

type Opening = Extract<SiteEvent, { type: 'shard.opened' }>;

/** What the agent needs of the archive's log on disk. */
export type ShardedSource = Pick<DurableLog<'site'>, 'shard' | 'earlierShards' | 'checkpoint'>;

/** The site's log over all its shards, as far as checkpoints of it are compared with what others have seen. */
export class ShardedLog implements SignedLog {
  constructor(
    private readonly log: ShardedSource,
    /** The first entry of each shard, oldest first. */
    private readonly openings: readonly Opening[],
    readonly origin: string,
  ) {}

  /** Their names, oldest first. */
  get origins(): readonly string[] {
    return this.#shards.map(({ origin }) => origin);
  }

  get note(): string | undefined {
    return this.log.shard.note || undefined;
  }

  checkpoint(): Promise<string> {
    return this.log.checkpoint();
  }

  /** Of the shard that the checkpoint names; what an operator gave up as lost, in a restore that stands in the log, is. */
  async requireExtends(seen: Checkpoint): Promise<void> {
    const shards = this.#shards;
    const at = shards.findIndex(({ origin }) => origin === seen.origin);
    const shard = shards[at];
    if (!shard) throw new Fault('LEDGER_ROLLED_BACK', { what: 'a shard that this copy does not have' });
    const next = this.openings[at + 1];
    if (next?.reason === 'restore' && seen.size > shard.size && seen.size <= shard.size + next.lost) return;
    shard.requireExtends(seen);
  }

  consistencyProof(origin: string, oldSize: number): readonly Uint8Array[] {
    const shard = this.#shards.find((other) => other.origin === origin);
    return shard?.consistencyProof(oldSize) ?? [];
  }

  addCosignatures(lines: readonly string[], witnesses: readonly VerifierKey[]): Promise<readonly string[]> {
    return this.log.shard.addCosignatures(lines, witnesses);
  }

  get #shards(): readonly TileLog[] {
    return [...this.log.earlierShards, this.log.shard];
  }
}
