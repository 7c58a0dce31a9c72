import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const COORDINATOR = join(root, 'apps/coordinator/dist/main.js');
export const AGENT = join(root, 'apps/agent/dist/main.js');
export const CONSILIUM = join(root, 'apps/cli/bin/consilium.mjs');

export interface Ready {
  readonly http?: number;
  readonly grpc?: number;
}

/** A real program of ours as a process, with everything it printed. */
export class Program {
  #output = '';
  private constructor(readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
  }

  static spawn(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, NODE_NO_WARNINGS: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    return new Program(child);
  }

  static node(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
    return Program.spawn(process.execPath, [file, ...args], env);
  }

  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.child.pid!;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Waits for the program's own word that it serves. */
  async ready(withinMs = 60_000): Promise<Ready> {
    const message = await Promise.race([
      once(this.child, 'message').then(([word]) => word as Ready),
      once(this.child, 'exit').then(([code]) =>
        Promise.reject(new Error(`ended with ${code} before it served:\n${this.#output}`)),
      ),
      late<Ready>(withinMs, () => `not ready:\n${this.#output}`),
    ]);
    return message;
  }

  async exit(withinMs = 120_000): Promise<number> {
    if (!this.running) return this.child.exitCode ?? 128;
    const [code] = await Promise.race([
      once(this.child, 'exit'),
      late<[number]>(withinMs, () => `still running:\n${this.#output}`),
    ]);
    return (code as number | null) ?? 128;
  }

  /** kill -9, and waits until the process is gone. */
  async kill(): Promise<void> {
    if (!this.running) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<number> {
    if (this.running) this.child.kill('SIGTERM');
    return this.exit(15_000).catch(async () => {
      await this.kill();
      throw new Error(`did not stop when asked:\n${this.#output}`);
    });
  }
}

function late<T>(ms: number, what: () => string): Promise<T> {
  return new Promise((_, reject) => setTimeout(() => reject(new Error(what())), ms).unref());
}

/** Looks again and again until the answer is not undefined. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string,
  withinMs = 120_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
