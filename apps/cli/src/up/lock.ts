import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '@consilium/stdx';
import { isErrno } from '../files.js';
import { lives, startOf } from './processes.js';

export interface Lock {
  release(): Promise<void>;
}

/**
 * Takes a state directory for this process, or throws STATE_LOCKED. The lock is written whole under another name and
 * then linked, which fails where one exists. One whose process is gone (kill -9, power cut) is moved aside first.
 */
export async function lockState(run: string): Promise<Lock> {
  await mkdir(run, { recursive: true });
  const path = join(run, 'lock');
  const own = join(run, `lock.${process.pid}`);
  const mine = JSON.stringify({ pid: process.pid, started: await startOf(process.pid) });
  await writeFile(own, mine, { mode: 0o600 });
  try {
    if (!(await linked(own, path))) await takeOver(path, own);
  } finally {
    await rm(own, { force: true });
  }
  return {
    release: async () => {
      if ((await contentOf(path)) === mine) await rm(path, { force: true });
    },
  };
}

async function takeOver(path: string, own: string): Promise<void> {
  const seen = await contentOf(path);
  if (seen !== undefined && (await isHeld(seen))) throw new Fault('STATE_LOCKED');
  const aside = `${own}.stale`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  const moved = await contentOf(aside);
  if (moved !== undefined && moved !== seen) {
    // Another process took over first, and it was its fresh lock that moved: give it back.
    await linked(aside, path);
    await rm(aside, { force: true });
    throw new Fault('STATE_LOCKED');
  }
  await rm(aside, { force: true });
  if (!(await linked(own, path))) throw new Fault('STATE_LOCKED');
}

async function isHeld(content: string): Promise<boolean> {
  let holder: { pid?: unknown; started?: unknown };
  try {
    holder = JSON.parse(content) as typeof holder;
  } catch {
    return false; // A lock is written whole, so this is not one.
  }
  const pid = holder?.pid;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return false;
  return (await lives(pid)) && (await startOf(pid)) === holder.started;
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
