import { canonicalJson, digestOf, Fault, fromUtf8, invariant, utf8, type Digest } from '@consilium/stdx';
import { placeSchema, recordSchema, type Entry, type JournalRecord } from './entry.js';

/**
 * The journal as a chain of lines: each is one entry in canonical JSON (RFC 8785) and names the SHA-256 of the line
 * before. Guarantee: a line that was changed, removed, added or moved is found by anybody who holds a later line's
 * digest. Not covered: whoever may write the file can cut whole lines off its end, or rewrite all of it, as long as
 * no later digest is known outside this machine.
 */
export interface Head {
  readonly seq: number;
  readonly hash: Digest;
}

export const GENESIS: Head = { seq: 0, hash: '0'.repeat(64) as Digest };

/** What a file held: its whole lines as entries, where the chain stands, and how many bytes of a torn line follow. */
export interface Reading {
  readonly entries: readonly Entry[];
  readonly head: Head;
  /** Length of the whole lines. */
  readonly bytes: number;
  /** Bytes after the last line feed: what a crash in the middle of a write leaves. */
  readonly tornBytes: number;
}

/** The next line (with its line feed) and where the chain stands after it. */
export function seal(head: Head, at: number, record: JournalRecord): { line: string; entry: Entry; head: Head } {
  const closed = recordSchema.safeParse(record);
  invariant(closed.success, 'the journal takes entries of its closed set only');
  const entry: Entry = { ...closed.data, seq: head.seq + 1, prev: head.hash, at };
  const text = canonicalJson(entry);
  return { line: `${text}\n`, entry, head: { seq: entry.seq, hash: digestOf(utf8(text)) } };
}

/** Reads and checks a whole journal. Throws JOURNAL_CORRUPT with the number of the first line that is not right. */
export function readChain(file: Uint8Array): Reading {
  const entries: Entry[] = [];
  let head = GENESIS;
  let bytes = 0;
  for (;;) {
    const end = file.indexOf(LINE_FEED, bytes);
    if (end < 0) return { entries, head, bytes, tornBytes: file.byteLength - bytes };
    const line = file.subarray(bytes, end);
    entries.push(readLine(line, head));
    head = { seq: head.seq + 1, hash: digestOf(line) };
    bytes = end + 1;
  }
}

const LINE_FEED = 0x0a;

function readLine(line: Uint8Array, before: Head): Entry {
  const wrong = (what: string): Fault => new Fault('JOURNAL_CORRUPT', { line: before.seq + 1, what });
  const value = parse(line);
  if (value === undefined) throw wrong('not an object in canonical JSON');
  const { seq, prev, at, ...rest } = value;
  const place = placeSchema.safeParse({ seq, prev, at });
  const record = recordSchema.safeParse(rest);
  if (!place.success || !record.success) throw wrong('not an entry of a known type');
  if (place.data.seq !== before.seq + 1) throw wrong('sequence number');
  if (place.data.prev !== before.hash) throw wrong('digest of the line before');
  return { ...record.data, ...place.data };
}

/** The line's object, or undefined unless writing it again gives the very same bytes. */
function parse(line: Uint8Array): Record<string, unknown> | undefined {
  try {
    const text = fromUtf8(line);
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && canonicalJson(value) === text ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Neither UTF-8 nor JSON: the parser's text could quote the line, so only our own word for it goes on.
    return undefined;
  }
}
