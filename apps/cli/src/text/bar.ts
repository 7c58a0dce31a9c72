import type { Paint } from './colour.js';

/** A bar of exactly `columns` characters; it is full only when the work is done. */
export function bar(fraction: number, columns: number, paint: Paint): string {
  const bounded = Math.min(1, Math.max(0, Number.isFinite(fraction) ? fraction : 0));
  const filled = bounded === 1 ? columns : Math.min(columns - 1, Math.floor(bounded * columns));
  return paint.cyan('━'.repeat(Math.max(0, filled))) + paint.dim('─'.repeat(Math.max(0, columns - filled)));
}
