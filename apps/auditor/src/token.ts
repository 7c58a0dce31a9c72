import { Fault, fromUtf8 } from '@consilium/stdx';
import { readPlainFile } from './bundle/folder.js';

/** The bearer token from a file, or from CONSILIUM_TOKEN_FILE or CONSILIUM_TOKEN; its value is never told. */
export async function readToken(
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const path = file ?? (env['CONSILIUM_TOKEN_FILE'] || undefined);
  const bytes = path === undefined ? undefined : await readPlainFile(path);
  const token = (bytes ? fromUtf8(bytes) : path === undefined ? (env['CONSILIUM_TOKEN'] ?? '') : '').trim();
  // RFC 6750, 2.1; anything else could break out of the header.
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token))
    throw new Fault('SETTINGS_INVALID', {
      setting: '--token-file or CONSILIUM_TOKEN',
      expected: 'a bearer token (RFC 6750)',
    });
  return token;
}
