import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { Fault } from '@consilium/stdx';
import { SandboxedChild } from './child.js';
import { readChildMessage, type Protocol } from './messages.js';
import { findUnshareFlags, namespaceOf } from './namespace.js';

export interface SandboxOptions {
  /** The module that calls {@link serveSandboxed}; plain JavaScript that Node can run. */
  readonly modulePath: string;
  readonly args?: readonly string[];
  /** `off` only where the site's settings say so. */
  readonly sandbox: 'on' | 'off';
  /** Bound of V8's heap; typed arrays and WebAssembly lie outside it. */
  readonly heapMb: number;
  /** Added to PATH, LANG and TZ, which are all that the child gets of our environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** 0 to 19: how much the child lets others go first. */
  readonly nice?: number;
  /** How long the child may take to start. */
  readonly startMs?: number;
  /** How long a child that is told to stop may take before it is killed. */
  readonly graceMs?: number;
  /** The program of util-linux; tests put others in its place. */
  readonly unshare?: string;
}

/** Everything else might hold tokens, proxies or paths that are none of the child's business. */
const INHERITED = ['PATH', 'LANG', 'TZ', 'CONSILIUM_PYTHON', 'LD_LIBRARY_PATH', 'CUDA_VISIBLE_DEVICES'] as const;

const START_MS = 30_000;
const GRACE_MS = 5_000;
/** How much of the child's standard error is kept. */
const STDERR_CHARS_MAX = 4_096;

/**
 * Starts a Node process without a network: in a network namespace of its own, in which not even loopback is up.
 *
 * Guarantee: with `sandbox: 'on'` the promise is fulfilled only after this process has seen in /proc that the child's
 * network namespace is not its own; until then the child has been sent nothing. What the child is sent can leave it
 * only by its channel to us, its standard error, and the files and Unix sockets that its user may write to.
 *
 * The child ends when its channel closes, so it does not outlive us, however we end.
 *
 * @throws Fault SANDBOX_UNAVAILABLE where it cannot be isolated, TRAINING_DIED or TIMEOUT where it does not start
 */
export async function spawnSandboxed<P extends Protocol>(options: SandboxOptions): Promise<SandboxedChild<P>> {
  const isolated = options.sandbox === 'on';
  const flags = isolated ? await findUnshareFlags(options.unshare) : [];
  if (!flags) throw new Fault('SANDBOX_UNAVAILABLE');

  const started = start(options, isolated ? [options.unshare ?? 'unshare', ...flags] : []);
  // Out of processes or memory: there is no child.
  if (started.pid === undefined) throw new Fault('TRAINING_DIED', {}, (await once(started, 'error'))[0]);
  const stderr = tailOf(started);
  const child = new SandboxedChild<P>(started, isolated, options.graceMs ?? GRACE_MS, stderr);
  try {
    await ready(started, child, options.startMs ?? START_MS);
    if (isolated) await demandIsolation(child.pid);
    if (options.nice !== undefined) setPriority(child.pid, options.nice);
    return child;
  } catch (error) {
    started.kill('SIGKILL');
    // Not a Fault: the child was gone before its priority could be set.
    throw Fault.from(error, 'TRAINING_DIED');
  }
}

/** `unshare` replaces itself by its command, so process id and channel are the child's own. */
function start({ modulePath, args = [], heapMb, env = {} }: SandboxOptions, before: readonly string[]): ChildProcess {
  const command = [...before, process.execPath, `--max-old-space-size=${heapMb}`, modulePath, ...args];
  const inherited = INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]!]]));
  return spawn(command[0]!, command.slice(1), {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
  });
}

/** Waits for the child's first word. */
async function ready<P extends Protocol>(started: ChildProcess, child: SandboxedChild<P>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const word = new Promise<'ready'>((resolve) => {
    started.on('message', (value) => readChildMessage(value)?.type === 'ready' && resolve('ready'));
  });
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Fault('TIMEOUT', { afterMs: ms })), ms);
  });
  try {
    const first = await Promise.race([word, child.ended, late]);
    if (first !== 'ready') throw child.death();
  } finally {
    clearTimeout(timer);
  }
}

/** Both namespaces must be known, and differ. */
async function demandIsolation(pid: number): Promise<void> {
  const [own, childs] = await Promise.all([namespaceOf('self'), namespaceOf(pid)]);
  if (own === undefined || childs === undefined || own === childs) throw new Fault('SANDBOX_UNAVAILABLE');
}

function tailOf({ stderr }: ChildProcess): () => string {
  let tail = '';
  stderr?.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-STDERR_CHARS_MAX)));
  return () => tail;
}
