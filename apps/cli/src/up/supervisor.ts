import { Fault, type Clock } from '@consilium/stdx';
import type { Child, Children, ChildSpec } from './children.js';
import { lastFault } from './last-fault.js';
import type { PidFiles } from './pid-files.js';

export interface SupervisorLimits {
  /** A program that is not ready by then is ended and counts as died. */
  readonly readyMs: number;
  /** The wait before the first start again; doubled up to `backoffMsMax`. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  /** More ends than this within `windowMs` are too many. */
  readonly deathsMax: number;
  readonly windowMs: number;
}

export const LIMITS: SupervisorLimits = {
  readyMs: 120_000,
  backoffMs: 200,
  backoffMsMax: 5_000,
  deathsMax: 6,
  windowMs: 60_000,
};

export interface SupervisorPorts {
  readonly children: Children;
  readonly clock: Clock;
  readonly pids: PidFiles;
  readonly say: (line: string) => void;
  /** A program ended too often, or cannot start: nothing goes on without it. */
  readonly gaveUp: (fault: Fault) => void;
}

interface Watched {
  readonly spec: ChildSpec;
  child?: Child;
  stopping: boolean;
  /** Settled when the program is not started again any more. */
  over: Promise<void>;
}

/**
 * Keeps programs running: starts each, waits until it says that it is ready, and starts it again when it ends by itself,
 * a little later each time and only so often. A program that ends with a code of the catalogue before it was ever ready
 * would do so again (its port is taken, its settings are wrong), so that code is the answer at once.
 */
export class Supervisor {
  readonly #watched = new Map<string, Watched>();

  constructor(
    private readonly ports: SupervisorPorts,
    private readonly limits: SupervisorLimits = LIMITS,
  ) {}

  /** Resolves when the program is ready for the first time. */
  start(spec: ChildSpec): Promise<void> {
    return new Promise((resolve, reject) => {
      const watched: Watched = { spec, stopping: false, over: Promise.resolve() };
      this.#watched.set(spec.name, watched);
      watched.over = this.#keep(watched, resolve).catch((error: unknown) => {
        const fault = Fault.from(error);
        reject(fault);
        this.ports.gaveUp(fault);
      });
    });
  }

  pidOf = (name: string): number | undefined => this.#watched.get(name)?.child?.pid;

  /** Asks the programs to end, and ends those that have not after `graceMs`. */
  async stop(names: readonly string[], graceMs: number): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        const watched = this.#watched.get(name);
        if (!watched) return;
        watched.stopping = true;
        watched.child?.signal('SIGTERM');
        const cancel = this.ports.clock.after(graceMs, () => watched.child?.signal('SIGKILL'));
        await watched.over;
        cancel();
      }),
    );
  }

  async #keep(watched: Watched, firstReady: () => void): Promise<void> {
    const { clock, pids, say } = this.ports;
    const { name, log } = watched.spec;
    const deaths: number[] = [];
    let everReady = false;
    for (let starts = 0; !watched.stopping; starts++) {
      const child = this.ports.children.launch(watched.spec);
      watched.child = child;
      say(`${starts === 0 ? 'started' : 'started again:'} ${name} (process ${child.pid})`);
      await pids.write(name, child.pid);
      // Asked to stop while the pid was being written: nobody has told this child yet.
      if (watched.stopping) child.signal('SIGTERM');
      const stopWaiting = clock.after(this.limits.readyMs, () => child.signal('SIGKILL'));
      child.onMessage((message) => {
        if (!isReady(message)) return;
        stopWaiting();
        everReady = true;
        firstReady();
      });
      const exit = await child.exited;
      stopWaiting();
      await pids.remove(name);
      if (watched.stopping) return;

      const told = everReady || exit.code === null ? undefined : await lastFault(log, child.logStart, name);
      if (told) throw told;
      const now = clock.monotonic();
      deaths.push(now);
      const recent = deaths.filter((at) => now - at < this.limits.windowMs).length;
      if (recent > this.limits.deathsMax) throw new Fault('PROGRAM_DIED', { program: name, times: recent });
      say(`${name} ended by itself (${exit.signal ?? `code ${exit.code}`}); it is started again`);
      await this.#wait(watched, Math.min(this.limits.backoffMsMax, this.limits.backoffMs * 2 ** (recent - 1)));
    }
  }

  /** Waits before a new start, or shorter when the program is asked to stop meanwhile. */
  async #wait(watched: Watched, ms: number): Promise<void> {
    const until = this.ports.clock.monotonic() + ms;
    while (!watched.stopping && this.ports.clock.monotonic() < until) {
      await new Promise<void>((resolve) => this.ports.clock.after(Math.min(50, ms), resolve));
    }
  }
}

const isReady = (message: unknown): boolean =>
  typeof message === 'object' && message !== null && (message as { ready?: unknown }).ready === true;
