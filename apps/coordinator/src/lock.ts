import { randomUUID } from 'node:crypto';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@consilium/stdx';
import { codeOf } from './adapters/disk/files.js';

/** Who holds a lock: a process id is used again after a while, a process id with its start time is not. */
interface Holder {
  readonly pid: number;
  /** Field 22 of Linux's /proc/PID/stat, in clock ticks since boot; null where the system has no such file. */
  readonly startTime: string | null;
}

const ATTEMPTS = 5;

/**
 * Takes the state folder for this process alone and answers the function that gives it back. STATE_LOCKED if another
 * living process has it. A lock that a killed process left behind is taken over. Sees processes of one machine only:
 * a state folder on a shared disk needs other care.
 */
export async function lockState(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, 'lock');
  const own = JSON.stringify({ pid: process.pid, startTime: await startTimeOf(process.pid) } satisfies Holder);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await createNew(file, own)) return () => rm(file, { force: true });
    if (await isHeld(file)) throw new Fault('STATE_LOCKED');
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
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await handle.close();
    await rm(draft, { force: true });
  }
}

/** Moves the lock aside first: of two starters that both found it stale, one must not remove what the other just made. */
async function removeStale(file: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (await isHeld(aside)) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

async function isHeld(file: string): Promise<boolean> {
  const holder = await readHolder(file);
  if (!holder || !isAlive(holder.pid)) return false;
  return holder.startTime === null || holder.startTime === (await startTimeOf(holder.pid));
}

async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Holder;
  } catch (error) {
    // Gone meanwhile, or not ours: either way nobody holds it.
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to another user.
    return codeOf(error) === 'EPERM';
  }
}

async function startTimeOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses and may hold spaces; the rest starts with field 3.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    // Not Linux, or the process has gone: then there is no start time.
    return null;
  }
}
