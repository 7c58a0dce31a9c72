import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { isErrno } from '@consilium/machine';
import type { ProgramName } from '../programs/locate.js';

/** A program to start as a process of its own. */
export interface ChildSpec {
  /** Whose process it is, as people are told: `coordinator`, `hospital-a`, `images of hospital-a`. */
  readonly name: string;
  readonly entry: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Standard error, and standard output too unless that is read here, are appended to this file. */
  readonly log: string;
  /**
   * `ipc`: it tells when it is ready. `lines`: its standard output is read here. Either way it has a channel to this
   * program, and ends by itself when that breaks: a start that was killed leaves nothing behind that goes on waiting.
   */
  readonly speaks: 'ipc' | 'lines';
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number;
  /** Byte of the log at which this process began to write. */
  readonly logStart: number;
  readonly lines: Readable | null;
  readonly exited: Promise<Exit>;
  onMessage(listener: (message: unknown) => void): void;
  /** SIGTERM asks the program, which ends its own children; SIGKILL ends its whole process group. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** All processes that run, so that none is left behind whatever happens here. */
export class Children {
  readonly #running = new Set<Child>();

  launch(spec: ChildSpec): Child {
    mkdirSync(dirname(spec.log), { recursive: true });
    const logStart = turnOver(spec.log);
    const log = openSync(spec.log, 'a', 0o600);
    try {
      const output = spec.speaks === 'ipc' ? log : 'pipe';
      // A group of its own: the terminal's Ctrl-C then reaches this program only, which stops the others in order.
      const child = spawn(process.execPath, [spec.entry, ...spec.args], {
        stdio: ['ignore', output, log, 'ipc'],
        env: spec.env,
        detached: true,
      });
      return this.#keep(child, logStart);
    } finally {
      closeSync(log);
    }
  }

  /** At once, and without waiting: for the second Ctrl-C and for this program's own end. */
  killAll(): void {
    for (const child of this.#running) child.signal('SIGKILL');
  }

  #keep(child: ChildProcess, logStart: number): Child {
    const exited = new Promise<Exit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      // The process could not be made at all (no memory, no processes left); it has no number then.
      child.once('error', () => resolve({ code: null, signal: null }));
    });
    const pid = child.pid ?? 0;
    const kept: Child = {
      pid,
      logStart,
      lines: child.stdout,
      exited,
      onMessage: (listener) => void child.on('message', listener),
      signal: (signal) => {
        if (pid !== 0 && child.exitCode === null && child.signalCode === null)
          send(signal === 'SIGKILL' ? -pid : pid, signal);
      },
    };
    this.#running.add(kept);
    void exited.then(() => this.#running.delete(kept));
    return kept;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error;
  }
}

const LOG_BYTES_MAX = 16 * 1024 * 1024;

/** Begins a new log where the old one is long; one old one is kept. Answers the size of the log that goes on. */
function turnOver(log: string): number {
  const size = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  if (size < LOG_BYTES_MAX) return size;
  renameSync(log, `${log}.1`);
  return 0;
}

/**
 * The environment of a started program. CONSILIUM_* variables override settings, and the same one would override those
 * of all programs here at once, so they stay behind, but for the Python that all agents here may use; the database's
 * address is the coordinator's alone.
 */
export function childEnv(env: Readonly<Record<string, string | undefined>>, program: ProgramName): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) =>
        (!name.startsWith('CONSILIUM_') || name === 'CONSILIUM_PYTHON') &&
        (program === 'coordinator' || name !== 'DATABASE_URL'),
    ),
  );
}
