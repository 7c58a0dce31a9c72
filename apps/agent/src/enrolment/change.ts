import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '@consilium/archive';
import { utf8 } from '@consilium/stdx';
import { CHANGE_FILE, IDENTITY_FILES, readChange, type IdentityChange, type IdentityFile } from '../identity-files.js';

/** Where the files of an identity are written. A test ends the program between any two of these calls. */
export interface Disk {
  /** Durable, each file whole, when it resolves. */
  write(files: ReadonlyMap<string, Uint8Array>): Promise<void>;
  remove(path: string): Promise<void>;
}

export const disk: Disk = { write: writeDurably, remove: (path) => rm(path, { force: true }) };

/**
 * Replaces files of an identity that only make sense together: a certificate and its key, or everything at a rekeying.
 * They are written into one file first. From then on the change has happened, whenever the program is killed.
 */
export async function changeIdentity(folder: string, files: IdentityChange, to: Disk = disk): Promise<void> {
  const content = { schema: 'consilium.identity-change/1', files };
  await to.write(new Map([[join(folder, CHANGE_FILE), utf8(`${JSON.stringify(content)}\n`)]]));
  await finishChange(folder, to);
}

/** Ends a change that was cut short. For the program that holds the site's lock: others only read. */
export async function finishChange(folder: string, to: Disk = disk): Promise<void> {
  const change = await readChange(folder);
  if (!change) return;
  const entries = Object.entries(change) as [IdentityFile, string][];
  await to.write(new Map(entries.map(([name, text]) => [join(folder, IDENTITY_FILES[name]), utf8(text)])));
  await to.remove(join(folder, CHANGE_FILE));
}
