import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, lives } from '@consilium/machine';
import type { Clock } from '@consilium/stdx';
import { readTextFile, writeFileWhole } from '../files.js';
import { commandLineOf } from './processes.js';

/** `STATE/run/NAME.pid`: which process is which program, for people, tests and the next start. */
export class PidFiles {
  constructor(private readonly run: string) {}

  write = (name: string, pid: number): Promise<void> => writeFileWhole(join(this.run, `${name}.pid`), `${pid}\n`);
  remove = (name: string): Promise<void> => rm(join(this.run, `${name}.pid`), { force: true });

  async read(): Promise<{ name: string; pid: number }[]> {
    const files = await readdir(this.run).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT')) return [];
      throw error;
    });
    const found = await Promise.all(
      files
        .filter((file) => file.endsWith('.pid'))
        .map(async (file) => ({
          name: file.slice(0, -4),
          pid: Number((await readTextFile(join(this.run, file)))?.trim()),
        })),
    );
    return found.filter(({ pid }) => Number.isSafeInteger(pid) && pid > 1);
  }
}

/**
 * Ends programs that outlived a killed `consilium up` and still hold this state directory. A process counts only if its
 * command line names a file below `root`: the number alone may belong to a stranger by now.
 */
export async function endLeftovers(pids: PidFiles, root: string, clock: Clock, graceMs = 10_000): Promise<string[]> {
  const ended: string[] = [];
  for (const { name, pid } of await pids.read()) {
    if ((await lives(pid)) && (await commandLineOf(pid)).includes(root)) {
      await endProcess(pid, clock, graceMs);
      ended.push(name);
    }
    await pids.remove(name);
  }
  return ended;
}

async function endProcess(pid: number, clock: Clock, graceMs: number): Promise<void> {
  signalTo(pid, 'SIGTERM');
  const until = clock.monotonic() + graceMs;
  while ((await lives(pid)) && clock.monotonic() < until)
    await new Promise<void>((resolve) => clock.after(50, resolve));
  if (!(await lives(pid))) return;
  // Its own children too, since it leads a process group.
  signalTo(-pid, 'SIGKILL');
  signalTo(pid, 'SIGKILL');
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}
