import { Interrupts } from './interrupts.js';
import { runCommand } from './program.js';
import type { Terminal } from './terminal.js';
import { paintFor, wantsColour } from './text/colour.js';

/** The only place where the command line meets the process: streams, signals, environment and exit code. */
const { stdin, stdout, stderr, env } = process;
const isTerminal = Boolean(stdout.isTTY);

let asking: Promise<NonNullable<Terminal['ask']>> | undefined;
async function ask(question: string, secret: boolean): Promise<string> {
  asking ??= import('./asking.js').then(({ askingOn }) => askingOn(stdin, stderr));
  return (await asking)(question, secret);
}

const terminal: Terminal = {
  out: (line) => void stdout.write(`${line}\n`),
  err: (line) => void stderr.write(`${line}\n`),
  columns: () => Math.max(40, stdout.columns ?? (Number(env['COLUMNS']) || 80)),
  rows: () => Math.max(10, stdout.rows ?? 24),
  live: isTerminal && env['TERM'] !== 'dumb' && !env['CI'],
  paint: paintFor(wantsColour(env, isTerminal)),
  ask,
  env,
};

// A reader that has seen enough (`| head`) closes the pipe; that is no failure.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const interrupts = new Interrupts({ monotonic: () => performance.now() });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupts.press());
// Registered first, runs last: whoever must stop children at once has done so by then.
interrupts.second.addEventListener('abort', () => setImmediate(() => process.exit(130)));

process.exitCode = await runCommand(process.argv.slice(2), terminal, interrupts);
// Sockets that a server keeps open must not hold a command that is done.
const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => stream.write('', () => resolve()));
await Promise.all([flushed(stdout), flushed(stderr)]);
process.exit();
