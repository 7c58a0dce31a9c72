import { readFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';

/** Whether a process of this number lives; one that belongs to somebody else lives too. A zombie does not. */
export async function lives(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
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

/** The command line of a process, or an empty text where it is gone. */
export async function commandLineOf(pid: number): Promise<string> {
  const fromProc = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined); // no /proc, or gone
  if (fromProc !== undefined) return fromProc.replaceAll('\0', ' ');
  return new Promise((resolve) =>
    execFile('ps', ['-o', 'command=', '-p', String(pid)], (_, out) => resolve(String(out ?? ''))),
  );
}

/** Largest resident memory of a living process so far (`VmHWM` of proc(5) status), or undefined where that cannot be asked. */
export async function peakRssBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''); // no /proc, or gone
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
