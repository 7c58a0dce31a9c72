import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '@consilium/machine';
import { Fault } from '@consilium/stdx';
import { overwrite } from './adapters/disk/files.js';

const TOKEN_PATTERN = /^[A-Za-z0-9_-]{43,}$/;

/**
 * The bearer token (RFC 6750) of the HTTP API, from `api-token` in the state folder; made at the first start from 256
 * random bits. Only the file's owner can read it: whoever may read the state may use the API.
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

/** Whether an Authorization header carries the token; takes the same time for every wrong one. */
export function isAuthorised(header: string | undefined, token: string): boolean {
  const [scheme, given, ...rest] = (header ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'bearer' || given === undefined || rest.length) return false;
  // Digests have one length, which timingSafeEqual demands.
  return timingSafeEqual(sha256(given), sha256(token));
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
