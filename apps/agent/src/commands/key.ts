import { encodeKeyFile, encodePublicKey, fingerprintWords, newSigningKey } from '@consilium/identity';
import { writeDurably } from '@consilium/archive';
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Fault, utf8 } from '@consilium/stdx';
import { personKey, secret, type KeyOptions } from '../keys/person-key.js';
import type { Terminal } from '../terminal.js';

export interface CreateOptions {
  readonly out: string;
  readonly passphraseFile?: string;
  /** False: the file is not sealed. */
  readonly passphrase: boolean;
  readonly json?: boolean;
}

/** NIST SP 800-63B asks for eight where guesses are counted; a stolen file can be guessed at as often as one likes. */
const CHARACTERS_MIN = 12;

/** `agent key create`: a signing key of one person, sealed by a passphrase. */
export async function create(options: CreateOptions, terminal: Terminal): Promise<void> {
  const path = resolve(options.out);
  if (await exists(path)) throw new Fault('ALREADY_EXISTS', { file: '--out' });
  const key = newSigningKey();
  await writeDurably(new Map([[path, utf8(encodeKeyFile(key, await newPassphrase(options, terminal)))]]));
  tell(key.publicKey, options, terminal);
}

/** `agent key show`: what others are told about a key; nothing of it is secret. */
export async function show(options: KeyOptions & { readonly json?: boolean }, terminal: Terminal): Promise<void> {
  tell((await personKey(options, terminal)).publicKey, options, terminal);
}

function tell(publicKey: Uint8Array, { json }: { readonly json?: boolean }, terminal: Terminal): void {
  const signing = encodePublicKey(publicKey);
  const words = fingerprintWords(publicKey);
  if (json) return terminal.out(JSON.stringify({ signing, words }));
  terminal.out(`public key  ${signing}`);
  terminal.out(`six words   ${words}`);
  terminal.out('In the site’s settings, under approvers:');
  terminal.out(`  - { role: data-protection-officer, signing: '${signing}' }   # or: operator`);
}

async function newPassphrase(options: CreateOptions, terminal: Terminal): Promise<string | undefined> {
  if (!options.passphrase) return undefined;
  const { passphraseFile: file } = options;
  const passphrase = await secret(
    file,
    '--passphrase-file',
    'Passphrase of the new key, at least 12 characters: ',
    terminal,
  );
  if ([...passphrase].length < CHARACTERS_MIN) throw new Fault('PASSWORD_TOO_WEAK', { charactersMin: CHARACTERS_MIN });
  const again = file === undefined ? await secret(undefined, '', 'The same again: ', terminal) : passphrase;
  if (again !== passphrase) throw new Fault('USAGE', { expected: 'the same passphrase twice' });
  return passphrase;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
