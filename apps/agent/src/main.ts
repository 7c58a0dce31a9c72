import { Prompt, systemClock } from '@consilium/machine';
import { runCommand } from './cli.js';
import { stopSignal } from './stop.js';

/** The edge of the process: the only file that touches it. */
const interrupted = stopSignal(process, systemClock);

let prompt: Prompt | undefined;

process.exitCode = await runCommand(process.argv.slice(2), {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  stream: process.stdout,
  env: process.env,
  isTerminal: process.stdout.isTTY === true,
  ask: (question, secret) => {
    prompt ??= new Prompt(process.stdin.setEncoding('utf8'), (text) => process.stderr.write(text));
    return prompt.ask(question, secret);
  },
  interrupted,
  notify: (message) => void process.send?.(message),
});
// Nothing that a library left open may keep a finished program alive.
process.exit();
