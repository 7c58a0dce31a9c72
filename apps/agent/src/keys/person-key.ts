import { readFile } from 'node:fs/promises';
import { decodeKeyFile, publicKeyOfFile, type SigningKey } from '@consilium/identity';
import { isErrno } from '@consilium/machine';
import { Fault } from '@consilium/stdx';
import type { Terminal } from '../terminal.js';
import { publicKeyOn, tokenKey } from './pkcs11.js';

/** Where a person's signing key is: a file, or a token behind a PKCS #11 library. */
export interface KeyOptions {
  readonly key?: string;
  /** A file with the passphrase of the key file; it is asked for otherwise. */
  readonly passphraseFile?: string;
  readonly pkcs11?: string;
  readonly keyLabel?: string;
  readonly tokenLabel?: string;
  /** A file with the token's PIN; it is asked for otherwise. */
  readonly pinFile?: string;
}

/** A key whose owner is known and whose secret is still locked: nobody types a passphrase for what would be refused. */
export interface LockedKey {
  readonly publicKey: Uint8Array;
  unlock(): Promise<SigningKey>;
}

/** Finds the key. Faults: USAGE, NOT_FOUND, KEY_INVALID; `unlock`: KEY_LOCKED, and CANCELLED by Ctrl-C. */
export async function personKey(options: KeyOptions, terminal: Pick<Terminal, 'ask'>): Promise<LockedKey> {
  const { key, pkcs11, keyLabel, tokenLabel, passphraseFile, pinFile } = options;
  if ((key === undefined) === (pkcs11 === undefined)) throw new Fault('USAGE', { expected: '--key or --pkcs11' });
  if (key !== undefined) {
    const text = await read(key, '--key');
    const { publicKey, sealed } = publicKeyOfFile(text);
    const passphrase = async (): Promise<string | undefined> =>
      sealed ? secret(passphraseFile, '--passphrase-file', 'Passphrase of your key: ', terminal) : undefined;
    return { publicKey, unlock: async () => decodeKeyFile(text, await passphrase()) };
  }
  if (keyLabel === undefined) throw new Fault('USAGE', { expected: '--key-label' });
  const onToken = { module: pkcs11!, keyLabel, tokenLabel };
  return {
    publicKey: publicKeyOn(onToken),
    unlock: async () => tokenKey(onToken, await secret(pinFile, '--pin-file', 'PIN of your token: ', terminal)),
  };
}

/** From a file, its last line end aside, or else from the person, unseen. */
export async function secret(
  file: string | undefined,
  option: string,
  question: string,
  { ask }: Pick<Terminal, 'ask'>,
): Promise<string> {
  if (file !== undefined) return (await read(file, option)).replace(/\r?\n$/, '');
  if (!ask) throw new Fault('USAGE', { expected: `a terminal, or ${option}` });
  return ask(question, true);
}

async function read(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw new Fault('NOT_FOUND', { file: option }, error);
    throw new Fault('KEY_INVALID', { file: option, expected: 'a file that can be read' }, error);
  }
}
