import {
  decodeKeyFile,
  encodeKeyFile,
  encodePublicKey,
  fingerprintWords,
  keyId,
  newSigningKey,
  publicKeyOfFile,
} from '@consilium/identity';
import { Fault, type Digest } from '@consilium/stdx';
import { exists, readTextFile, writeFileWhole } from '../files.js';
import type { Terminal } from '../terminal.js';

/** What others are told about a key: nothing of it is secret. */
export interface KeyShown {
  readonly file: string;
  /** Base64 of the 32 bytes, as settings and rosters write it. */
  readonly publicKey: string;
  readonly keyid: Digest;
  /** Six words to read to each other on the telephone. */
  readonly words: string;
  readonly sealed: boolean;
}

const PASSPHRASE_CHARACTERS_MIN = 12;

/** Makes a new signing key in a file of mode 600, sealed unless there is no passphrase. A key that exists is kept. */
export async function createKey(file: string, passphrase: string | undefined): Promise<KeyShown> {
  if (await exists(file)) throw new Fault('ALREADY_EXISTS', { file: '--out' });
  const key = newSigningKey();
  await writeFileWhole(file, encodeKeyFile(key, passphrase), 0o600);
  return shown(file, key.publicKey, passphrase !== undefined);
}

/**
 * Shows the public part of a key file. With a passphrase, or where none is needed, the secret is opened too and found
 * to belong to it; a sealed file is believed otherwise.
 */
export async function showKey(file: string, passphrase: string | undefined): Promise<KeyShown> {
  const text = await readTextFile(file);
  if (text === undefined) throw new Fault('NOT_FOUND', { file: 'the key file' });
  const { publicKey, sealed } = publicKeyOfFile(text);
  if (!sealed || passphrase !== undefined) decodeKeyFile(text, passphrase);
  return shown(file, publicKey, sealed);
}

/** The passphrase in a file, its last line end aside. */
export async function passphraseIn(file: string): Promise<string> {
  const text = await readTextFile(file);
  if (text === undefined) throw new Fault('NOT_FOUND', { file: '--passphrase-file' });
  return text.replace(/\r?\n$/, '');
}

/** Asks for a new passphrase twice, unseen. USAGE where nobody is there to be asked. */
export async function askPassphrase({ ask }: Terminal): Promise<string> {
  if (!ask) throw new Fault('USAGE', { expected: 'a terminal, --passphrase-file or --no-passphrase' });
  const passphrase = await ask('Passphrase of the new key, at least 12 characters: ', true);
  if ((await ask('The same again: ', true)) !== passphrase)
    throw new Fault('USAGE', { expected: 'the same passphrase twice' });
  return passphrase;
}

/** A passphrase is guessed offline, as often as somebody likes: NIST SP 800-63B's eight characters are too few. */
export function requireStrong(passphrase: string): string {
  if ([...passphrase].length < PASSPHRASE_CHARACTERS_MIN)
    throw new Fault('PASSWORD_TOO_WEAK', { charactersMin: PASSPHRASE_CHARACTERS_MIN });
  return passphrase;
}

const shown = (file: string, publicKey: Uint8Array, sealed: boolean): KeyShown => ({
  file,
  publicKey: encodePublicKey(publicKey),
  keyid: keyId(publicKey),
  words: fingerprintWords(publicKey),
  sealed,
});
