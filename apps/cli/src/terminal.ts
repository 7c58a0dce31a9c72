import type { Paint } from './text/colour.js';

/** Where a command writes: results on `out`, everything else on `err`. `main.ts` binds it to the process. */
export interface Terminal {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  /** Columns to lay lines out for; at least 40. */
  readonly columns: () => number;
  readonly rows: () => number;
  /** Whether standard output is a terminal that can redraw lines. */
  readonly live: boolean;
  readonly paint: Paint;
  /** Asks the person a question; what they type to a secret one is not shown. Absent where nobody can be asked. */
  readonly ask?: (question: string, secret: boolean) => Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
}
