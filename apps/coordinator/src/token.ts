import { randomBytes } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '@consilium/machine';
import { Fault } from '@consilium/stdx';
import { overwrite } from './adapters/disk/files.js';

const TOKEN_PATTERN = /^[A-Za-z0-9_-]{43,}$/;

/**
 * The machine's own credential, from `api-token` in the state folder; made at the first start from 256 random bits. Only
 * the file's owner can read it: whoever may read the state may do what an admin and a coordinator may. It is how scripts
 * on this machine work and how the first admin is made; the setting `http.machineToken` turns it off.
 */
export async function readToken(folder: string): Promise<string> {
  const file = join(folder, 'api-token');
  const there = await readFile(file, 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (there === undefined) {
    const token = randomBytes(32).toString('base64url');
    await overwrite(file, Buffer.from(`${token}\n`), 0o600);
    return token;
  }
  await chmod(file, 0o600);
  if (!TOKEN_PATTERN.test(there.trim())) throw new Fault('STATE_UNREADABLE', { file: 'api-token' });
  return there.trim();
}
