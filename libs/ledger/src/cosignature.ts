import { concatBytes, ED25519_SIGNATURE_BYTES, invariant, utf8, verifyEd25519 } from '@consilium/stdx';
import { attempt } from './attempt.js';
import { claims, parseSignatureLine, signatureLine, type NoteSignature } from './note.js';
import { COSIGNATURE, verifierKey, type Signer, type VerifierKey } from './verifier-key.js';

/**
 * A cosignature (C2SP tlog-cosignature, `cosignature/v1`): the cosigner states that, at this time, the largest tree of
 * this log that it has seen, and found to be consistent with all before, is the one in the text.
 *
 * @param text the checkpoint's text, with its final line feed
 * @param name the key name that the cosigner is known by
 * @returns one signature line of a note, without its line feed
 */
export function cosign(text: string, signer: Signer, name: string, timeSeconds: number): string {
  invariant(Number.isSafeInteger(timeSeconds) && timeSeconds >= 0, 'a time is in whole seconds');
  const signature = signer.sign(cosignedMessage(text, timeSeconds));
  return signatureLine(
    verifierKey(name, COSIGNATURE, signer.publicKey),
    concatBytes([encodeTime(timeSeconds), signature]),
  );
}

/** The time at which the witness cosigned this text, in POSIX seconds, or undefined when it did not. */
export function cosignedTime({ signature }: NoteSignature, witness: VerifierKey, text: string): number | undefined {
  if (signature.byteLength !== TIME_BYTES + ED25519_SIGNATURE_BYTES) return undefined;
  const time = decodeTime(signature.subarray(0, TIME_BYTES));
  if (!Number.isSafeInteger(time)) return undefined;
  const signed = verifyEd25519(witness.publicKey, cosignedMessage(text, time), signature.subarray(TIME_BYTES));
  return signed ? time : undefined;
}

/** Of lines that came from anywhere, those by which one of the witnesses cosigned this text, under its name. */
export function cosignaturesOf(
  text: string,
  lines: readonly string[],
  witnesses: readonly VerifierKey[],
): ReadonlyMap<string, string> {
  const verified = new Map<string, string>();
  for (const line of lines) {
    const signature = attempt(() => parseSignatureLine(line)).value;
    const witness = signature && witnesses.find((key) => claims(signature, key));
    if (witness && cosignedTime(signature, witness, text) !== undefined) verified.set(witness.name, line);
  }
  return verified;
}

/** The header keeps a cosignature from being taken for a log's own signature, and the reverse. */
const cosignedMessage = (text: string, timeSeconds: number): Uint8Array =>
  utf8(`cosignature/v1\ntime ${timeSeconds}\n${text}`);

const TIME_BYTES = 8;

function encodeTime(seconds: number): Uint8Array {
  const bytes = new Uint8Array(TIME_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(seconds));
  return bytes;
}

const decodeTime = (bytes: Uint8Array): number =>
  Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0));
