import { readFile } from 'node:fs/promises';
import { isErrno } from './errno.js';

/** Whether a process of this number lives; one that belongs to somebody else lives too. A zombie does not. */
export async function lives(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return isErrno(error, 'EPERM');
  }
  return (await statOf(pid))?.state !== 'Z';
}

/** When a process started, in clock ticks since boot: tells it from a later one with the same number. Empty without /proc. */
export const startOf = async (pid: number): Promise<string> => (await statOf(pid))?.started ?? '';

/** Fields 3 and 22 of proc(5) stat, counted after the command's name, which may hold spaces and brackets. */
async function statOf(pid: number): Promise<{ state: string; started: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined); // no /proc, or gone in the meantime
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', started: fields[19] ?? '' };
}
