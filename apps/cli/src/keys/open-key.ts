import { decodeKeyFile, publicKeyOfFile, type SigningKey } from '@consilium/identity';
import { Fault } from '@consilium/stdx';
import { readTextFile } from '../files.js';
import type { Terminal } from '../terminal.js';
import { passphraseIn } from './person-key.js';

/**
 * Opens a person's key to sign with. A sealed one needs its passphrase, from a file or from the person. Faults:
 * NOT_FOUND; KEY_INVALID; KEY_LOCKED for another passphrase, or where nobody can be asked for it.
 */
export async function openKey(
  file: string,
  { passphraseFile, ask }: { readonly passphraseFile?: string; readonly ask?: Terminal['ask'] },
): Promise<SigningKey> {
  const text = await readTextFile(file);
  if (text === undefined) throw new Fault('NOT_FOUND', { file: 'the key file' });
  if (!publicKeyOfFile(text).sealed) return decodeKeyFile(text);
  if (passphraseFile !== undefined) return decodeKeyFile(text, await passphraseIn(passphraseFile));
  if (!ask) throw new Fault('KEY_LOCKED', { expected: '--passphrase-file, or a terminal' });
  return decodeKeyFile(text, await ask('Passphrase of the key: ', true));
}
