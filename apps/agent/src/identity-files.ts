import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '@consilium/machine';
import { Fault, fromUtf8, parseShape } from '@consilium/stdx';
import { z } from 'zod';

/** The files that make a site's identity, all of them text. */
export const IDENTITY_FILES = {
  root: 'root.pem',
  certificate: 'certificate.pem',
  privateKey: 'private.key',
  signing: 'signing.key',
  roster: 'roster.json',
  /** A list of public keys; there is none before the first rekeying. */
  former: 'former-keys.json',
} as const;

export type IdentityFile = keyof typeof IDENTITY_FILES;

/** New contents of files that change together. */
export type IdentityChange = Partial<Record<IdentityFile, string>>;

/** Holds the new contents while the files themselves are being replaced, one after the other. */
export const CHANGE_FILE = 'change.json';

const names = Object.keys(IDENTITY_FILES) as [IdentityFile, ...IdentityFile[]];
export const changeSchema = z.strictObject({
  schema: z.literal('consilium.identity-change/1'),
  files: z.partialRecord(z.enum(names), z.string()),
});

/**
 * A change that was cut short, or is being made at this moment. What it says is true from the instant at which its file
 * is there, so that nobody ever reads one half of an identity. STATE_UNREADABLE for what is no change.
 */
export async function readChange(folder: string): Promise<IdentityChange | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(folder, CHANGE_FILE));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw unreadable(error);
  }
  try {
    return parseShape(changeSchema, JSON.parse(fromUtf8(bytes)), 'STATE_UNREADABLE').files;
  } catch (error) {
    throw unreadable(error);
  }
}

const unreadable = (error: unknown): Fault =>
  new Fault('STATE_UNREADABLE', { what: 'a change of the identity' }, error);
