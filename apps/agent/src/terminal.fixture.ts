import type { Terminal } from './terminal.js';

/** A terminal whose lines a test can read, and whose Ctrl-C it can press. With `answers` somebody sits at it. */
export function memoryTerminal(env: Record<string, string> = {}, answers?: readonly string[]) {
  const asked: { question: string; secret: boolean }[] = [];
  const rest = [...(answers ?? [])];
  const out: string[] = [];
  const err: string[] = [];
  const interrupt = new AbortController();
  const terminal: Terminal = {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    stream: { write: (text) => void err.push(text) },
    env,
    isTerminal: false,
    ...(answers && {
      ask: async (question: string, secret: boolean) => {
        asked.push({ question, secret });
        return rest.shift() ?? '';
      },
    }),
    interrupted: interrupt.signal,
    notify: () => {},
  };
  return {
    terminal,
    out,
    err,
    asked,
    interrupt: () => interrupt.abort(),
    last: () => JSON.parse(out.at(-1) ?? 'null') as Record<string, unknown>,
  };
}
