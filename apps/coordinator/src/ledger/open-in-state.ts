import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { diskLogStorage, Documents, opensslHash, readOnlyLog } from '@consilium/archive';
import type { SigningKey } from '@consilium/identity';
import type { Clock } from '@consilium/stdx';
import { DiskEquivocation } from '../adapters/disk/equivocation.js';
import { makeFolder } from '../adapters/disk/files.js';
import { DiskModelFiles } from '../adapters/disk/models.js';
import { PrismaLedgerRows, PrismaSiteLogs } from '../adapters/prisma/ledger.js';
import { PrismaSiteStore } from '../adapters/prisma/studies.js';
import type { PrismaClient } from '../generated/client.js';
import type { Log } from '../log.js';
import type { ModelFiles } from '../ports.js';
import type { Ledger } from './ledger.js';
import type { Watching } from './log-desks.js';
import { openLedger, type OpenLedger } from './open-ledger.js';
import type { PublishedLog } from './published-log.js';

export interface LedgerInState {
  readonly ledger: Ledger;
  readonly openLedger: OpenLedger;
  readonly watching: Watching;
  readonly published: PublishedLog;
  readonly retained: ModelFiles;
}

/**
 * The ledger of a state folder: rows in the database, tiles in `ledger/<shard>`, documents in `documents`, kept updates
 * in `retained`. Faults as {@link openLedger}.
 */
export async function openLedgerInState(
  state: string,
  world: {
    readonly federation: string;
    readonly signing: SigningKey;
    readonly prisma: PrismaClient;
    readonly clock: Clock;
    readonly log: Log;
    readonly fatal: (error: unknown) => void;
  },
): Promise<LedgerInState> {
  const folder = (name: string): string => join(state, name);
  for (const name of ['ledger', 'documents', 'retained']) await makeFolder(folder(name));
  const equivocation = new DiskEquivocation(folder('equivocation.json'));
  const opened = await openLedger({
    ...world,
    signer: world.signing,
    rows: new PrismaLedgerRows(world.prisma),
    documents: new Documents(folder('documents')),
    storage: (shard) => diskLogStorage(join(folder('ledger'), shard)),
    equivocation,
    seen: async () => (await new PrismaSiteStore(world.prisma).list()).map(({ name }) => name),
    salt: () => randomBytes(16).toString('hex'),
    hash: opensslHash,
  });
  return {
    openLedger: opened,
    ledger: opened.ledger,
    watching: { signing: world.signing, siteLogs: new PrismaSiteLogs(world.prisma), equivocation },
    published: readOnlyLog(folder('ledger')),
    retained: new DiskModelFiles(folder('retained'), ''),
  };
}
