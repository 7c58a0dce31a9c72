import type { Terminal } from './terminal.js';

/** A terminal whose lines a test can read, and whose Ctrl-C it can press. */
export function memoryTerminal(env: Record<string, string> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const interrupt = new AbortController();
  const terminal: Terminal = {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    stream: { write: (text) => void err.push(text) },
    env,
    isTerminal: false,
    interrupted: interrupt.signal,
    notify: () => {},
  };
  return {
    terminal,
    out,
    err,
    interrupt: () => interrupt.abort(),
    last: () => JSON.parse(out.at(-1) ?? 'null') as Record<string, unknown>,
  };
}
