import type { ReadLogFile } from '@consilium/ledger';

/** The files of the ledger as they lie on disk, for whoever copies them while the program goes on writing. */
export interface PublishedLog {
  /** Names of the shards, oldest first. */
  shards(): Promise<readonly string[]>;
  shard(name: string): ReadLogFile;
}
