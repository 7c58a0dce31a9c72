import { coordinatorOrigin, TileLog, type Hash, type LogStorage, type Signer } from '@consilium/ledger';
import { Fault, type Clock, type SiteName } from '@consilium/stdx';
import type { Log } from '../log.js';
import type { LedgerRows } from '../ports.js';
import { VERSION } from '../software.js';
import { Halt } from './halt.js';
import { Integrator } from './integrator.js';
import type { EquivocationFile } from './known-past.js';
import { RowLedger, sealer, type Documents } from './row-ledger.js';
import { shardAt, shardName, type ShardId } from './shard-id.js';
import { Shards } from './shards.js';
import { StartGate } from './start-gate.js';

export interface LedgerResources {
  readonly federation: string;
  readonly signer: Signer;
  readonly rows: LedgerRows;
  readonly documents: Documents;
  /** The files of one shard, by its name. */
  readonly storage: (shard: string) => LogStorage;
  readonly equivocation: EquivocationFile;
  /** The sites that have ever had a session: what they have cosigned they will say when they come again. */
  readonly seen: () => Promise<readonly SiteName[]>;
  /** 16 random bytes in hexadecimal. */
  readonly salt: () => string;
  readonly hash?: Hash;
  readonly clock: Clock;
  readonly log: Log;
  readonly fatal: (error: unknown) => void;
}

/** The coordinator's ledger, open: its parts, for those who read it, wait for it, or ask sites about it. */
export interface OpenLedger {
  readonly ledger: RowLedger;
  readonly rows: LedgerRows;
  readonly shards: Shards;
  readonly integrator: Integrator;
  readonly gate: StartGate;
  readonly halt: Halt;
  close(): Promise<void>;
}

/**
 * Opens the ledger and writes down that the program has started. Faults: LEDGER_CORRUPT, LEDGER_ROLLED_BACK when what is
 * published, the rows and the tiles do not belong together; then nothing may start.
 */
export async function openLedger(resources: LedgerResources): Promise<OpenLedger> {
  const { federation, signer, rows, storage, hash, clock, log, fatal } = resources;
  const seal = sealer(clock, resources.salt);
  const openLog = (shard: ShardId): Promise<TileLog> => {
    const name = shardName(shard);
    return TileLog.open({
      origin: coordinatorOrigin(federation, name),
      signer,
      storage: storage(name),
      ...(hash && { hash }),
    });
  };
  const shards = await Shards.open({ rows, openLog, seal }, shardAt(clock.now()));
  const newest = await shards.log(shards.newest);
  const gate = new StartGate(await resources.seen(), clock);
  const halt = new Halt();
  if (await resources.equivocation.exists()) halt.now(new Fault('LEDGER_FORKED', { size: newest.size }));
  const integrator = new Integrator({ rows, shards, gate, halt, clock, log, fatal });
  const ledger = new RowLedger({ rows, documents: resources.documents, integrator, halt, seal });
  if (!halt.why) await ledger.record({ type: 'software.started', program: 'coordinator', version: VERSION });
  const close = async (): Promise<void> => {
    // What was stored last is published too, unless that is not to be; the next start would do it.
    if (gate.isOpen && !ledger.trouble)
      await integrator.checkpoint().catch((err: unknown) => log.warn({ err }, 'unpublished'));
    gate.close();
    await integrator.close();
  };
  return { ledger, rows, shards, integrator, gate, halt, close };
}
