import { Fault, type Digest } from '@consilium/stdx';
import type { ModelFiles } from '../ports.js';
import type { Ledger } from './ledger.js';
import type { PublishedLog } from './published-log.js';

/** Everything that an auditor copies: the tiles, and what the entries name by digest. Undefined for what is not here. */
export class AuditFiles {
  constructor(
    private readonly parts: {
      readonly published: PublishedLog;
      readonly ledger: Pick<Ledger, 'readDocument'>;
      readonly models: ModelFiles;
      readonly retained: ModelFiles;
    },
  ) {}

  shards = (): Promise<readonly string[]> => this.parts.published.shards();

  /** A file of one shard, by its path of C2SP tlog-tiles; any other path is of nothing. */
  tile = (shard: string, path: string): Promise<Uint8Array | undefined> => this.parts.published.shard(shard)(path);

  document = (digest: Digest): Promise<Uint8Array | undefined> => orUndefined(this.parts.ledger.readDocument(digest));
  model = (digest: Digest): Promise<Uint8Array | undefined> => orUndefined(this.parts.models.read(digest));
  retained = (digest: Digest): Promise<Uint8Array | undefined> => orUndefined(this.parts.retained.read(digest));
}

const orUndefined = (reading: Promise<Uint8Array>): Promise<Uint8Array | undefined> =>
  reading.catch((error: unknown) => {
    if (Fault.is(error, 'NOT_FOUND')) return undefined;
    throw error;
  });
