import { canonicalJson, Fault, fromUtf8, utf8 } from '@consilium/stdx';
import { z } from 'zod';
import { coordinatorEvents, type CoordinatorEvent } from './entry-coordinator.js';
import { siteEvents, type SiteEvent } from './entry-site.js';

/**
 * An entry is one event in canonical JSON (RFC 8785) of at most 4096 bytes, with the time by the log's own clock and a
 * random salt. The salt keeps whoever holds only a leaf's hash from finding the entry by trying all that it could say.
 */
export const ENTRY_BYTES_MAX = 4096;

/** Whose log it is: the two have different entries. */
export type LogKind = 'coordinator' | 'site';

/** What the log adds to an event: `at` in UTC milliseconds, which may jump (the position in the log does not). */
export interface Seal {
  readonly v: 1;
  readonly at: number;
  /** 16 random bytes in hexadecimal. */
  readonly salt: string;
}

export type CoordinatorEntry = CoordinatorEvent & Seal;
export type SiteEntry = SiteEvent & Seal;
export type LedgerEntry = CoordinatorEntry | SiteEntry;
export type EventFor<Kind extends LogKind> = Kind extends 'coordinator' ? CoordinatorEvent : SiteEvent;
export type EntryFor<Kind extends LogKind> = Kind extends 'coordinator' ? CoordinatorEntry : SiteEntry;

const seal = {
  v: z.literal(1),
  at: z.int().min(0),
  salt: z.string().regex(/^[0-9a-f]{32}$/),
};

type Table = Readonly<Record<string, Readonly<Record<string, z.ZodType>>>>;

/** One closed schema for each type of entry. */
const schemasOf = (events: Table): ReadonlyMap<string, z.ZodType> =>
  new Map(
    Object.entries(events).map(([type, fields]) => [
      type,
      z.strictObject({ ...seal, type: z.literal(type), ...fields }),
    ]),
  );

const SCHEMAS = { coordinator: schemasOf(coordinatorEvents), site: schemasOf(siteEvents) };

/** Any entry of the kind, for documents that describe the format; the log itself uses `readEntry`. */
const union = (kind: LogKind): z.ZodType =>
  z.discriminatedUnion('type', [...SCHEMAS[kind].values()] as unknown as [z.ZodObject<{ type: z.ZodLiteral<string> }>]);
export const coordinatorEntrySchema = union('coordinator') as z.ZodType<CoordinatorEntry>;
export const siteEntrySchema = union('site') as z.ZodType<SiteEntry>;

/**
 * The bytes of an event as an entry. Throws LEDGER_ENTRY_INVALID for whatever the closed set does not have or that is
 * longer than an entry may be; the facts name the field, never its value.
 */
export function sealEntry<Kind extends LogKind>(
  event: EventFor<Kind>,
  { kind, at, salt }: { kind: Kind; at: number; salt: string },
): Uint8Array {
  const entry = { ...event, v: 1, at, salt };
  check(entry, kind);
  const bytes = utf8(canonicalJson(entry));
  if (bytes.byteLength > ENTRY_BYTES_MAX) throw tooLong(bytes.byteLength);
  return bytes;
}

/** The entry that these bytes are, or LEDGER_ENTRY_INVALID unless writing it again gives the very same bytes. */
export function readEntry<Kind extends LogKind>(bytes: Uint8Array, kind: Kind): EntryFor<Kind> {
  if (bytes.byteLength > ENTRY_BYTES_MAX) throw tooLong(bytes.byteLength);
  const text = textOf(bytes);
  const entry = parse(text);
  check(entry, kind);
  if (!isCanonical(text, entry)) throw invalid('not canonical');
  return entry as unknown as EntryFor<Kind>;
}

const invalid = (what: string): Fault => new Fault('LEDGER_ENTRY_INVALID', { what });
const tooLong = (bytes: number): Fault =>
  new Fault('LEDGER_ENTRY_INVALID', { what: 'too long', bytes, max: ENTRY_BYTES_MAX });

const OPENING_BRACE = 0x7b;

function textOf(bytes: Uint8Array): string {
  // The decoder drops a byte order mark, which would be a second spelling of the same entry.
  if (bytes[0] !== OPENING_BRACE) throw invalid('not an object');
  try {
    return fromUtf8(bytes);
  } catch {
    throw invalid('not UTF-8');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own text could quote the entry, so only our word for it goes on.
    throw invalid('not JSON');
  }
}

/**
 * Whether a text is the RFC 8785 form of its value, told from the text itself: writing 200,000 entries again to compare
 * them would be half the time of verifying a log. It is, if each of its tokens has the one form that values of the
 * closed set can have (no spaces, no escapes, whole numbers), the keys were sorted, and none came twice.
 */
function isCanonical(text: string, value: unknown): boolean {
  return TOKENS.test(text) && sortedKeys(value) === colonsIn(text);
}

const TOKENS = /^(?:[{}[\],:]|"[^"\\:\u0000-\u001f]*"|0|[1-9]\d*|true|false|null)*$/;

/** How many keys the value has at all depths; NaN unless they are sorted. The parser keeps one of two equal keys. */
function sortedKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + sortedKeys(item), 0);
  let before = '';
  let count = 0;
  for (const key of Object.keys(value)) {
    count += key < before ? NaN : 1 + sortedKeys((value as Record<string, unknown>)[key]);
    before = key;
  }
  return count;
}

/** No string of the closed set holds a colon, so each stands behind a key. */
function colonsIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) count++;
  return count;
}

function check(entry: unknown, kind: LogKind): void {
  const type = typeof entry === 'object' && entry !== null && 'type' in entry ? entry.type : undefined;
  const schema = typeof type === 'string' ? SCHEMAS[kind].get(type) : undefined;
  if (!schema) throw new Fault('LEDGER_ENTRY_INVALID', { what: 'unknown type', log: kind });
  const checked = schema.safeParse(entry);
  if (!checked.success)
    throw new Fault('LEDGER_ENTRY_INVALID', { type: type as string, field: fieldOf(checked.error) });
}

/** Where the first problem is. An unknown key is third-party text, so it is only called unknown. */
const fieldOf = (error: z.ZodError): string => error.issues[0]!.path.join('.') || 'unknown field';
