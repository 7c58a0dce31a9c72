import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { link, mkdir, open, readFile, realpath, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Fault } from '@consilium/stdx';
import { isErrno } from './errno.js';
import { lives, startOf } from './processes.js';

/** A folder that is this process's alone until it is released. */
export interface Lock {
  /** Gives the folder back; a lock that another process has taken over meanwhile is left alone. */
  release(): Promise<void>;
}

/** Who holds a folder: a process number is used again after a while, a number with its start time is not. */
interface Holder {
  readonly pid: number;
  /** Empty or null where the system does not tell, and then the number alone counts. */
  readonly started?: string | null;
}

const ATTEMPTS = 5;
const nobody = async (): Promise<boolean> => false;

/**
 * Takes a state folder for this process alone, or throws STATE_LOCKED if another living process has it. Makes the
 * folder, for its owner's eyes only. The lock appears under its name whole or not at all; one that a killed process
 * left behind is taken over, and of many that ask at once one gets it. Process numbers are those of one machine:
 * `inUse` may ask for a sign of life that is seen across containers too.
 */
export async function lockState(folder: string, inUse: () => Promise<boolean> = nobody): Promise<Lock> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'lock');
  const own = JSON.stringify({ pid: process.pid, started: await startOf(process.pid) } satisfies Holder);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await createNew(file, own)) return { release: () => release(file, own) };
    if ((await isHeld(file)) || (await inUse())) throw new Fault('STATE_LOCKED');
    await removeStale(file);
  }
  throw new Fault('STATE_LOCKED');
}

/** The holder's text appears with the name, so that nobody reads half of it: written aside, then linked. */
async function createNew(file: string, text: string): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
    await link(draft, file);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await handle.close();
    await rm(draft, { force: true });
  }
}

/**
 * Takes away a lock whose holder is dead. One process at a time: between finding a lock stale and removing it, another
 * starter could have put its own there, and two would hold the folder.
 */
async function removeStale(file: string): Promise<void> {
  await exclusively(file, async () => {
    // Where there is none, another starter's may appear at any moment: only one that is there and stale is removed.
    const text = await contentOf(file);
    if (text !== undefined && !(await isHolding(text))) await rm(file, { force: true });
  });
}

const WAITS = 500;
const WAIT_MS = 5;

/**
 * Work that one process at a time does about a file. On Linux it holds a name in the abstract socket space (unix(7)),
 * which the kernel frees when its process dies, at whatever line. Elsewhere nothing excludes another starter in the
 * instant of a takeover.
 */
async function exclusively(file: string, work: () => Promise<void>): Promise<void> {
  if (process.platform !== 'linux') return work();
  const name = createHash('sha256')
    .update(await realpath(dirname(file)))
    .digest('hex');
  for (let waits = 0; waits < WAITS; waits++) {
    const guard = createServer();
    try {
      guard.listen({ path: `\0consilium-${name}` });
      await once(guard, 'listening');
      return await work();
    } catch (error) {
      if (!isErrno(error, 'EADDRINUSE')) throw error;
      await setTimeout(WAIT_MS);
    } finally {
      guard.close();
    }
  }
}

async function release(file: string, own: string): Promise<void> {
  if ((await contentOf(file)) === own) await rm(file, { force: true });
}

const isHeld = async (file: string): Promise<boolean> => isHolding(await contentOf(file));

async function isHolding(text: string | undefined): Promise<boolean> {
  const holder = readHolder(text);
  if (!holder || !(await lives(holder.pid))) return false;
  return !holder.started || holder.started === (await startOf(holder.pid));
}

/** Nothing where the file is gone or not ours: either way nobody holds it. */
function readHolder(text: string | undefined): Holder | undefined {
  try {
    const holder = JSON.parse(text ?? 'null') as Partial<Holder> | null;
    const pid = holder?.pid;
    return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 ? { ...holder, pid } : undefined;
  } catch {
    return undefined;
  }
}

async function contentOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
