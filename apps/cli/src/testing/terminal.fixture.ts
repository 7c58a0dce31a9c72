import type { Terminal } from '../terminal.js';
import { paintFor } from '../text/colour.js';

/** A terminal in memory. */
export interface MemoryTerminal extends Terminal {
  readonly outLines: string[];
  readonly errLines: string[];
}

export function memoryTerminal(
  options: { columns?: number; rows?: number; colour?: boolean; live?: boolean; env?: Record<string, string> } = {},
): MemoryTerminal {
  const outLines: string[] = [];
  const errLines: string[] = [];
  return {
    outLines,
    errLines,
    out: (line) => void outLines.push(...line.split('\n')),
    err: (line) => void errLines.push(...line.split('\n')),
    columns: () => options.columns ?? 80,
    rows: () => options.rows ?? 24,
    live: options.live ?? false,
    paint: paintFor(options.colour ?? false),
    env: options.env ?? {},
  };
}
