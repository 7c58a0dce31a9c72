/** Rows as aligned columns, two spaces apart; numbers to the right. */
export function columns(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, String(cell).length)));
  const fit = (cell: string | number, i: number): string =>
    typeof cell === 'number' ? String(cell).padStart(widths[i]!) : cell.padEnd(widths[i]!);
  return rows.map((row) => row.map(fit).join('  ').trimEnd());
}

/** The first twelve digits of a digest, as people compare them. */
export const short = (digest: string | null): string => digest?.slice(0, 12) ?? '–';
