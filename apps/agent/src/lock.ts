import { link, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@consilium/stdx';

/** Who holds a state directory: a process, told apart from a later one with the same number by when it started. */
interface Holder {
  readonly pid: number;
  readonly started: string;
}

export interface Lock {
  release(): Promise<void>;
}

/**
 * Takes the state directory for this process, or throws STATE_LOCKED. The lock is a file made complete under another
 * name and then linked, so that it never exists half-written. One left by a process that was killed is taken over.
 * `inUse` asks for a sign of life that is seen across containers too, where process numbers mean nothing.
 */
export async function lockState(state: string, inUse: () => Promise<boolean>): Promise<Lock> {
  await mkdir(state, { recursive: true, mode: 0o700 });
  const path = join(state, 'lock');
  const own = join(state, `lock.${process.pid}`);
  const mine = JSON.stringify({ pid: process.pid, started: await startOf(process.pid) });
  await writeFile(own, mine, { mode: 0o600 });
  try {
    if (!(await linked(own, path))) await takeOver(path, own, inUse);
  } finally {
    await unlink(own);
  }
  return {
    async release() {
      if ((await content(path)) === mine) await unlink(path);
    },
  };
}

async function takeOver(path: string, own: string, inUse: () => Promise<boolean>): Promise<void> {
  const seen = await content(path);
  if (seen !== undefined && ((await lives(seen)) || (await inUse()))) throw new Fault('STATE_LOCKED');
  const aside = `${own}.stale`;
  await rename(path, aside).catch(ignoreMissing);
  const moved = await content(aside);
  if (moved !== undefined && moved !== seen) {
    // Another process took over in the meantime and we moved its fresh lock: give it back.
    await linked(aside, path);
    await unlink(aside);
    throw new Fault('STATE_LOCKED');
  }
  if (moved !== undefined) await unlink(aside);
  if (!(await linked(own, path))) throw new Fault('STATE_LOCKED');
}

async function lives(text: string): Promise<boolean> {
  const holder = readHolder(text);
  if (!holder) return false; // not ours to understand: a lock is written whole or not at all
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return (await startOf(holder.pid)) === holder.started;
}

function readHolder(text: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(text) as Partial<Holder>;
    return Number.isSafeInteger(pid) && pid! > 0 && typeof started === 'string' ? { pid: pid!, started } : undefined;
  } catch {
    return undefined; // the caller decides what an unreadable lock means
  }
}

/** Field 22 of proc(5) stat, counted after the command name, which may hold spaces; empty where there is no /proc. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

const content = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
