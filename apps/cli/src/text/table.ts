import type { Paint } from './colour.js';
import { fit, padEnd, padStart, widthOf } from './width.js';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** May be shortened when the terminal is narrow; the widest such column gives first. */
  readonly shrinks?: boolean;
}

const GAP = '  ';

/** An aligned table whose lines are never wider than `width`: a bold head, a rule, and the rows. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  paint: Paint,
): string[] {
  const { widths, line } = layOut(columns, rows, width);
  const rule = fit(widths.map((columnWidth) => '─'.repeat(columnWidth)).join(GAP), width);
  return [paint.bold(line(columns.map((column) => column.title))), paint.dim(rule), ...rows.map(line)];
}

/** The same without the rule and with a dim head, for pictures that are drawn again and again. */
export function grid(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  paint: Paint,
): string[] {
  const { line } = layOut(columns, rows, width);
  return [paint.dim(line(columns.map((column) => column.title))), ...rows.map(line)];
}

function layOut(columns: readonly Column[], rows: readonly (readonly string[])[], width: number) {
  const widths = columns.map((column, i) =>
    Math.max(widthOf(column.title), ...rows.map((row) => widthOf(row[i] ?? ''))),
  );
  shrink(widths, columns, width);
  const line = (cells: readonly string[]): string =>
    fit(
      cells
        .map((cell, i) => aligned(cell, widths[i]!, columns[i]!))
        .join(GAP)
        .trimEnd(),
      width,
    );
  return { widths, line };
}

function aligned(cell: string, width: number, column: Column): string {
  const fitted = fit(cell, width);
  return column.align === 'right' ? padStart(fitted, width) : padEnd(fitted, width);
}

const NARROWEST = 6;

function shrink(widths: number[], columns: readonly Column[], width: number): void {
  const total = (): number => widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1);
  while (total() > width) {
    const widest = widths
      .map((each, i) => ({ each, i }))
      .filter(({ each, i }) => columns[i]!.shrinks && each > NARROWEST)
      .sort((a, b) => b.each - a.each)[0];
    if (!widest) return; // The lines themselves are cut then.
    widths[widest.i] = widest.each - 1;
  }
}
