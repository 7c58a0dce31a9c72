import { concatBytes, Fault, fromUtf8, utf8 } from '@consilium/stdx';
import { decodeBase64, encodeBase64 } from './base64.js';
import { sameBytes } from './hash.js';
import { isKeyName, NOTE_KEY_ID_BYTES, noteKeyId, type VerifierKey } from './verifier-key.js';

/**
 * A signed note (C2SP signed-note): a text that ends in a line feed, an empty line, then one line for each signature.
 * Only one spelling is accepted, so that no bit of a note can change unseen.
 */
export interface SignedNote {
  /** With its final line feed: what is signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface NoteSignature {
  /** The key's name as it stands in the line; whose it really is shows only the signature. */
  readonly name: string;
  /** Four bytes. */
  readonly keyId: Uint8Array;
  /** What follows the key id: 64 bytes for a log, 8 of time before them for a cosigner, anything for unknown types. */
  readonly signature: Uint8Array;
  /** The line as it stands in the note, without its line feed. */
  readonly line: string;
}

/** Bounds that no note of a federation reaches; they are checked before anything is parsed. */
const NOTE_CHARACTERS_MAX = 262_144;
const SIGNATURES_MAX = 1024;

/** Reads a note from its bytes: strict UTF-8 without a byte order mark, or LEDGER_NOTE_INVALID. */
export function noteText(bytes: Uint8Array): string {
  try {
    const note = fromUtf8(bytes);
    if (sameBytes(utf8(note), bytes)) return note;
  } catch {
    // Not UTF-8: refused below like a note with a byte order mark, which the decoder drops silently.
  }
  throw invalid('not UTF-8');
}

/** Takes a note apart, or throws LEDGER_NOTE_INVALID. Checks no signature. */
export function parseNote(note: string): SignedNote {
  if (note.length > NOTE_CHARACTERS_MAX) throw invalid('too long');
  if (CONTROL_CHARACTER.test(note)) throw invalid('control character');
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || !note.endsWith('\n')) throw invalid('no signatures');
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) throw invalid('too many signatures');
  const signatures = lines.map(parseSignatureLine);
  const keys = signatures.map(({ name, keyId }) => `${name} ${encodeBase64(keyId)}`);
  if (new Set(keys).size !== keys.length) throw invalid('a key signs twice');
  return { text: note.slice(0, end + 1), signatures };
}

/** Reads one line `— name base64(key id ‖ signature)`, without its line feed, or throws LEDGER_NOTE_INVALID. */
export function parseSignatureLine(line: string): NoteSignature {
  const match = /^— ([^ ]+) ([A-Za-z0-9+/=]+)$/.exec(line);
  const bytes = match ? decodeBase64(match[2]!) : undefined;
  if (!match || !isKeyName(match[1]!) || !bytes || bytes.byteLength <= NOTE_KEY_ID_BYTES)
    throw invalid('signature line');
  const [keyId, signature] = [bytes.slice(0, NOTE_KEY_ID_BYTES), bytes.slice(NOTE_KEY_ID_BYTES)];
  return { name: match[1]!, keyId, signature, line };
}

/** The line that carries this key's signature. */
export const signatureLine = (key: VerifierKey, signature: Uint8Array): string =>
  `— ${key.name} ${encodeBase64(concatBytes([noteKeyId(key), signature]))}`;

/**
 * The note with more signature lines below its own; a line of a key that has signed already replaces the older one.
 * Nothing is verified: a wrong line makes the whole note worthless to whoever knows its key.
 */
export function mergeSignatures(note: string, lines: readonly string[]): string {
  const { text, signatures } = parseNote(note);
  const merged = new Map<string, string>();
  for (const { name, keyId, line } of [...signatures, ...lines.map(parseSignatureLine)])
    merged.set(`${name} ${encodeBase64(keyId)}`, line);
  return `${text}\n${[...merged.values()].join('\n')}\n`;
}

/** Whether a signature line claims to be of this key: both its name and its id, as C2SP signed-note demands. */
export const claims = (signature: NoteSignature, key: VerifierKey): boolean =>
  signature.name === key.name && sameBytes(signature.keyId, noteKeyId(key));

const CONTROL_CHARACTER = /[\u0000-\u0009\u000b-\u001f]/;

const invalid = (what: string): Fault => new Fault('LEDGER_NOTE_INVALID', { what });
