import { readEntry, type TileLog } from '@consilium/ledger';
import { utf8, type SiteName } from '@consilium/stdx';
import type { Hello, LogCheckpoint, WitnessAnswer, WitnessAnswerInit } from '@consilium/wire';
import type { Log } from '../log.js';
import type { Integrator } from './integrator.js';
import type { Known, KnownPast } from './known-past.js';
import type { ShardId } from './shard-id.js';
import type { Shards } from './shards.js';
import type { SiteCheckpoints } from './site-checkpoints.js';
import type { WitnessBoard } from './witness-board.js';

/** What a session begins with about the two logs. */
export interface LogGreeting {
  /** The newest checkpoint of the coordinator's log, and the largest that it holds of the site's; empty before the first. */
  readonly coordinatorCheckpoint: Buffer;
  readonly siteCheckpoint: Buffer;
}

export interface WitnessDeskParts {
  readonly shards: Shards;
  readonly integrator: Integrator;
  readonly past: KnownPast;
  readonly siteCheckpoints: SiteCheckpoints;
  readonly openBoard: (tiles: TileLog) => WitnessBoard;
  readonly log: Log;
}

/** Both sides' logs as a session speaks of them: each of the two watches the other's. */
export class WitnessDesk {
  readonly #boards = new Map<ShardId, WitnessBoard>();
  /** The sites that are here, with what they have cosigned. */
  readonly #present = new Map<SiteName, Known | undefined>();
  readonly #unlisten: () => void;

  constructor(private readonly parts: WitnessDeskParts) {
    this.#unlisten = parts.integrator.onPass((entries) => void this.#published(entries));
  }

  /** The board of one shard's checkpoints. */
  boardOf = async (shard: ShardId): Promise<WitnessBoard> => {
    const tiles = await this.parts.shards.log(shard);
    // Looked up after the wait: two may have come for the same one.
    const open = this.#boards.get(shard);
    if (open) return open;
    const board = this.parts.openBoard(tiles);
    this.#boards.set(shard, board);
    for (const [site, known] of this.#present) board.arrived(site, sizeIn(known, shard));
    return board;
  };

  /** Holds what the site knows of our log, and says of its own, against what is here. Faults as {@link KnownPast.judge}. */
  async greet(site: SiteName, hello: Hello): Promise<LogGreeting> {
    const { past, siteCheckpoints, shards } = this.parts;
    await past.judge(site, hello.coordinatorCheckpoint);
    await siteCheckpoints.greeted(site, hello.ownCheckpoint);
    const [own, held] = await Promise.all([shards.log(shards.newest), siteCheckpoints.latest(site)]);
    return { coordinatorCheckpoint: bytesOf(own.note), siteCheckpoint: bytesOf(held?.note) };
  }

  /** The site has opened a session: it is asked about whatever is on its way around. */
  async arrived(site: SiteName, hello: Hello): Promise<void> {
    const known = await this.parts.past.judge(site, hello.coordinatorCheckpoint);
    this.#present.set(site, known);
    for (const [shard, board] of this.#boards) board.arrived(site, sizeIn(known, shard));
  }

  left(site: SiteName): void {
    this.#present.delete(site);
    for (const board of this.#boards.values()) board.left(site);
  }

  /** An answer that nobody waits for is late and is left out. */
  answered(site: SiteName, answer: WitnessAnswer): void {
    for (const board of this.#boards.values()) {
      if (board.awaits(site, answer)) return board.hear(site, answer);
    }
  }

  consider(site: SiteName, checkpoint: LogCheckpoint): Promise<WitnessAnswerInit> {
    return this.parts.siteCheckpoints.consider(site, checkpoint);
  }

  close(): void {
    this.#unlisten();
    for (const board of this.#boards.values()) board.close();
  }

  /** Entries about checkpoints of sites' logs are left to the next occasion: two logs that watch each other never rest else. */
  async #published(entries: readonly string[]): Promise<void> {
    if (entries.every((entry) => readEntry(utf8(entry), 'coordinator').type === 'site.checkpoint')) return;
    const { shards, log } = this.parts;
    const board = await this.boardOf(shards.newest).catch((err: unknown) => log.error({ err }, 'no board'));
    board?.published();
  }
}

const sizeIn = (known: Known | undefined, shard: ShardId): number => (known?.shard === shard ? known.size : 0);
const bytesOf = (note: string | undefined): Buffer => Buffer.from(note ?? '', 'utf8');
