import type { Listed } from '../listing.js';

/** Columns of their own; every other field of an entry stands in `fields` as JSON. */
const COLUMNS = ['run', 'round', 'attempt', 'site', 'plan', 'model', 'bytes', 'sha256'] as const;

/**
 * All entries as CSV (RFC 4180: CRLF, quotes doubled), one line each, with a head. A cell that a spreadsheet could take
 * for a formula cannot occur: entries hold only enumerated words, digests, numbers and minted or enrolled names.
 */
export function toCsv(entries: readonly Listed[]): string {
  const head = ['origin', 'index', 'time', 'type', ...COLUMNS, 'fields'];
  return [head, ...entries.map(rowOf)].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function rowOf({ origin, index, entry }: Listed): string[] {
  const { v: _v, salt: _salt, at, type, ...fields } = entry;
  const all: Readonly<Record<string, unknown>> = fields;
  const own = COLUMNS.map((name) => (all[name] === undefined || all[name] === null ? '' : String(all[name])));
  const rest = Object.entries(all).filter(([name]) => !(COLUMNS as readonly string[]).includes(name));
  return [origin, String(index), new Date(at).toISOString(), type, ...own, JSON.stringify(Object.fromEntries(rest))];
}

const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
