import { randomBytes } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeKeyFile, encodeKeyFile, newSigningKey, type SoftwareKey } from '@consilium/identity';
import { isErrno } from '@consilium/machine';
import { Fault } from '@consilium/stdx';
import { makeFolder, overwrite } from '../adapters/disk/files.js';

export interface PeopleKeys {
  /** Signs access tokens and nothing else. */
  readonly accessToken: SoftwareKey;
  /** 32 bytes; seals what must be read again. */
  readonly sealing: Uint8Array;
}

/**
 * The keys in the state's folder `keys` (mode 600), made at the first start. They are never shown and never leave: who
 * deletes `access-token.key` ends every access token at the next start, who deletes `sealing.key` makes everybody with a
 * local account set up their one-time codes again.
 */
export async function readPeopleKeys(state: string): Promise<PeopleKeys> {
  const folder = join(state, 'keys');
  await makeFolder(folder);
  const accessToken = await readOrMake(join(folder, 'access-token.key'), () => encodeKeyFile(newSigningKey()));
  const sealing = await readOrMake(join(folder, 'sealing.key'), () => `${randomBytes(32).toString('base64')}\n`);
  return { accessToken: decodeKeyFile(accessToken), sealing: sealingKey(sealing) };
}

async function readOrMake(file: string, make: () => string): Promise<string> {
  try {
    const text = await readFile(file, 'utf8');
    await chmod(file, 0o600);
    return text;
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  const made = make();
  await overwrite(file, Buffer.from(made), 0o600);
  return made;
}

function sealingKey(text: string): Uint8Array {
  const key = Buffer.from(text.trim(), 'base64');
  if (key.byteLength !== 32) throw new Fault('STATE_UNREADABLE', { file: 'keys/sealing.key' });
  return key;
}
