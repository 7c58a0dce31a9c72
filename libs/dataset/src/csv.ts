import { Fault, fromUtf8 } from '@consilium/stdx';

export interface CsvLimits {
  readonly rowsMax: number;
  readonly fieldsMax: number;
  readonly fieldLengthMax: number;
}

/**
 * The records of a comma-separated file by RFC 4180: fields may stand in double quotes and then hold commas, line ends
 * and doubled quotes; lines end in CRLF or LF. A byte-order mark, as spreadsheets write it, is skipped. Strict: a
 * quote inside an unquoted field, or text after a closing quote, is refused rather than guessed at.
 *
 * Faults: DATA_LABELS_INVALID with `row` (the first record is row 1, as a spreadsheet counts), DATA_TOO_LARGE.
 */
export function parseCsv(bytes: Uint8Array, limits: CsvLimits): readonly (readonly string[])[] {
  const text = decode(bytes);
  const records: string[][] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  while (at < text.length) {
    if (records.length === limits.rowsMax) throw new Fault('DATA_TOO_LARGE', { rowsMax: limits.rowsMax });
    const record: string[] = [];
    const row = records.length + 1;
    for (;;) {
      const { value, end } = text[at] === '"' ? quoted(text, at, row) : plain(text, at, row);
      if (value.length > limits.fieldLengthMax || record.length === limits.fieldsMax) {
        throw invalid(row, `at most ${limits.fieldsMax} fields of ${limits.fieldLengthMax} characters`);
      }
      record.push(value);
      at = end;
      if (text[at] !== ',') break;
      at += 1;
    }
    at += text.startsWith('\r\n', at) ? 2 : 1;
    records.push(record);
  }
  return records;
}

interface Field {
  readonly value: string;
  /** Where the comma, the line's end or the text's end stands. */
  readonly end: number;
}

function quoted(text: string, start: number, row: number): Field {
  let value = '';
  for (let at = start + 1; ;) {
    const quote = text.indexOf('"', at);
    if (quote === -1) throw invalid(row, 'a closing quote');
    value += text.slice(at, quote);
    if (text[quote + 1] !== '"') return { value, end: endOfField(text, quote + 1, row) };
    value += '"';
    at = quote + 2;
  }
}

function plain(text: string, start: number, row: number): Field {
  let end = start;
  while (end < text.length && !',\r\n'.includes(text[end]!)) {
    if (text[end] === '"') throw invalid(row, 'quotes around the whole field');
    end += 1;
  }
  return { value: text.slice(start, end), end: endOfField(text, end, row) };
}

function endOfField(text: string, at: number, row: number): number {
  if (at < text.length && text[at] !== ',' && text[at] !== '\n' && !text.startsWith('\r\n', at)) {
    throw invalid(row, 'a comma or the end of the line after a field');
  }
  return at;
}

function decode(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new Fault('DATA_LABELS_INVALID', { expected: 'UTF-8' });
  }
}

const invalid = (row: number, expected: string): Fault => new Fault('DATA_LABELS_INVALID', { row, expected });
