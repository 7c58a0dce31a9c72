import { Fault, invariant, utf8, verifyEd25519 } from '@consilium/stdx';
import { decodeBase64, encodeBase64 } from './base64.js';
import { cosignedTime } from './cosignature.js';
import { HASH_BYTES } from './hash.js';
import { claims, parseNote, signatureLine, type NoteSignature, type SignedNote } from './note.js';
import { COSIGNATURE, isKeyName, LOG_SIGNATURE, verifierKey, type Signer, type VerifierKey } from './verifier-key.js';

/** What a log says it is at one moment (C2SP tlog-checkpoint). */
export interface Checkpoint {
  /** The log's name, for example `lung/coordinator/2026`; also the name of the key that signs it. */
  readonly origin: string;
  /** How many entries it has. */
  readonly size: number;
  /** The root over them, 32 bytes. */
  readonly root: Uint8Array;
}

/** A checkpoint whose signatures were verified; only `openCheckpoint` makes one. */
export interface OpenedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** What was signed, with its final line feed. */
  readonly text: string;
  /** The key of the log, out of those that were allowed, that signed it. */
  readonly signedBy: VerifierKey;
  /** Key name → POSIX seconds: who cosigned it, and when by the cosigner's own clock. */
  readonly cosigned: ReadonlyMap<string, number>;
}

/** The text that is signed: origin, size and root, each on its line. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  invariant(isKeyName(origin), 'an origin has no spaces and no plus');
  invariant(Number.isSafeInteger(size) && size >= 0, 'a log’s size is an integer');
  invariant(root.byteLength === HASH_BYTES, 'a root has 32 bytes');
  return `${origin}\n${size}\n${encodeBase64(root)}\n`;
}

/** The checkpoint as a note that the log itself has signed, under its origin as the key's name. */
export function signCheckpoint(checkpoint: Checkpoint, signer: Signer): string {
  const text = checkpointText(checkpoint);
  const key = verifierKey(checkpoint.origin, LOG_SIGNATURE, signer.publicKey);
  return `${text}\n${signatureLine(key, signer.sign(utf8(text)))}\n`;
}

/** Reads a checkpoint without checking any signature: for names and sizes before the keys are known. */
export function parseCheckpointNote(note: string): SignedNote & { readonly checkpoint: Checkpoint } {
  const { text, signatures } = parseNote(note);
  const [origin, digits, encoded, ...rest] = text.split('\n') as [string, ...string[]];
  // Extension lines are opaque to whoever audits the log, so this federation has none.
  if (rest.length !== 1 || !isKeyName(origin)) throw invalid('not three lines');
  const size = /^(?:0|[1-9][0-9]*)$/.test(digits!) ? Number(digits) : NaN;
  if (!Number.isSafeInteger(size)) throw invalid('size');
  const root = decodeBase64(encoded!);
  if (root?.byteLength !== HASH_BYTES) throw invalid('root');
  return { checkpoint: { origin, size, root }, text, signatures };
}

/**
 * Opens a checkpoint of the log with this key. Every line of a known key is verified, and one that does not verify
 * refuses the whole note; lines of unknown keys are ignored, as C2SP signed-note demands, or refused when `strict`.
 *
 * @param logKey the key (or the keys, of a log that was rekeyed) whose name is the expected origin
 * @throws LEDGER_NOTE_INVALID for another form, LEDGER_SIGNATURE_INVALID for another origin, a missing or wrong signature
 */
export function openCheckpoint(
  note: string,
  logKey: VerifierKey | readonly VerifierKey[],
  witnesses: readonly VerifierKey[],
  { strict = false }: { readonly strict?: boolean } = {},
): OpenedCheckpoint {
  const logKeys = keysOf(logKey);
  invariant(
    logKeys.every(({ type }) => type === LOG_SIGNATURE),
    'a log signs with type 1',
  );
  invariant(
    witnesses.every(({ type }) => type === COSIGNATURE),
    'a witness signs with type 4',
  );
  const { checkpoint, text, signatures } = parseCheckpointNote(note);
  const message = utf8(text);
  let signedBy: VerifierKey | undefined;
  const cosigned = new Map<string, number>();
  for (const signature of signatures) {
    const log = logKeys.find((key) => claims(signature, key));
    const witness = witnesses.find((key) => claims(signature, key));
    if (log) {
      if (!verifyEd25519(log.publicKey, message, signature.signature)) throw wrong('log');
      signedBy ??= log;
    } else if (witness) {
      cosigned.set(witness.name, verifiedTime(signature, witness, text));
    } else if (strict) throw wrong('unknown key');
  }
  if (!signedBy) throw wrong('no signature of the log');
  if (checkpoint.origin !== signedBy.name) throw wrong('another origin');
  return { checkpoint, text, signedBy, cosigned };
}

const keysOf = (keys: VerifierKey | readonly VerifierKey[]): readonly VerifierKey[] => ('name' in keys ? [keys] : keys);

function verifiedTime(signature: NoteSignature, witness: VerifierKey, text: string): number {
  const time = cosignedTime(signature, witness, text);
  if (time === undefined) throw wrong('cosigner');
  return time;
}

const invalid = (what: string): Fault => new Fault('LEDGER_NOTE_INVALID', { what });
const wrong = (what: string): Fault => new Fault('LEDGER_SIGNATURE_INVALID', { what });
