import { PrismaPg } from '@prisma/adapter-pg';
import { Fault } from '@consilium/stdx';
import pg from 'pg';
import { PrismaClient } from '../../generated/client.js';
import { openEmbedded } from './embedded.js';
import { migrate } from './migrate.js';
import { pglitePool } from './pglite-stream.js';

export interface Database {
  readonly prisma: PrismaClient;
  readonly kind: 'embedded' | 'postgresql';
  /** Names of the migrations that were applied just now. */
  readonly migrated: readonly string[];
  close(): Promise<void>;
}

/** A folder for the embedded database, or the URL of a PostgreSQL server. */
export type DatabaseAddress = { readonly folder: string; readonly prepared?: string } | { readonly url: string };

/** Opens the database and brings it to this release. Faults: DATABASE_UNAVAILABLE, MIGRATION_REFUSED, STATE_LOCKED. */
export async function openDatabase(address: DatabaseAddress): Promise<Database> {
  return 'url' in address ? openServer(address.url) : openFolder(address.folder, address.prepared);
}

async function openFolder(folder: string, prepared: string | undefined): Promise<Database> {
  const pglite = await openEmbedded(folder, prepared);
  const pool = pglitePool(pglite);
  try {
    const migrated = await migrate(pool);
    const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
    const close = async (): Promise<void> => {
      await prisma.$disconnect();
      await pool.end();
      await pglite.close();
    };
    return { prisma, kind: 'embedded', migrated, close };
  } catch (error) {
    await pglite.close();
    throw error;
  }
}

const CONNECT_TIMEOUT_MS = 10_000;
const POOL_SIZE = 10;
/** Held as long as a coordinator runs on a database, so that two on one are refused wherever they run. */
const COORDINATOR_LOCK = 0x636f6e73;

/** `timezone=UTC` on every connection: adapter-pg writes times without a zone, which a server elsewhere would shift. */
async function openServer(url: string): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: POOL_SIZE,
    options: '-c timezone=UTC',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {});
  try {
    const release = await holdAlone(pool);
    const migrated = await migrate(pool);
    const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
    const close = async (): Promise<void> => {
      await prisma.$disconnect();
      release();
      await pool.end();
    };
    return { prisma, kind: 'postgresql', migrated, close };
  } catch (error) {
    await pool.end();
    // The driver's text may name the host and the user: it is the private cause.
    throw Fault.from(error, 'DATABASE_UNAVAILABLE');
  }
}

/** Takes the coordinator's advisory lock on a connection of its own. If that connection breaks, revisions still guard each run. */
async function holdAlone(pool: pg.Pool): Promise<() => void> {
  const client = await pool.connect();
  client.on('error', () => {});
  const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [COORDINATOR_LOCK]);
  if (rows[0]?.held) return () => client.release(true);
  client.release(true);
  throw new Fault('STATE_LOCKED', { database: 'postgresql' });
}
