import type { ReadLogFile } from '@consilium/ledger';
import type { Digest } from '@consilium/stdx';
import type { Shelf } from './bundle.js';

/** Where evidence is copied from while its programs go on serving: a state directory, or a coordinator's address. */
export interface Source {
  /** The logs that are there, by name; their files may grow at any moment. */
  logs(): Promise<readonly SourceLog[]>;
  /** A file that is named by its SHA-256; undefined where it is not here. The bytes are not checked. */
  file(shelf: Shelf, digest: Digest): Promise<Uint8Array | undefined>;
}

export interface SourceLog {
  readonly read: ReadLogFile;
}
