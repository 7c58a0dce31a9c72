import { readFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';

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
