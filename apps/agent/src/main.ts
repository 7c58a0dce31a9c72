import { systemClock } from '@consilium/machine';
import { runCommand } from './cli.js';
import { stopSignal } from './stop.js';

/** The edge of the process: the only file that touches it. */
const interrupted = stopSignal(process, systemClock);

process.exitCode = await runCommand(process.argv.slice(2), {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  stream: process.stdout,
  env: process.env,
  isTerminal: process.stdout.isTTY === true,
  interrupted,
  notify: (message) => void process.send?.(message),
});
// Nothing that a library left open may keep a finished program alive.
process.exit();
