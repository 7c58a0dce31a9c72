import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { nextRoster, openRoster, signRoster, type Roster, type RosterChange } from '@consilium/identity';
import { isErrno } from '@consilium/machine';
import { digestOf, Fault } from '@consilium/stdx';
import type { Coordinator } from '../api/coordinator.js';
import { readRoot } from '../ca/root-folder.js';
import { linesOf, type RosterLine } from '../ca/sign-roster.js';
import { readTextFile } from '../files.js';

/** A roster that is in force, and the one that is to follow it. */
export interface Draft {
  /** The document in force, as the root has signed it. */
  readonly current: Uint8Array;
  readonly next: Roster;
  /** Everybody, with a mark at what changes. */
  readonly lines: readonly RosterLine[];
}

/**
 * Drafts the roster after the one in force. That is believed only with the root's signature: a coordinator that made one
 * up could have its own sites signed along. Faults: SIGNATURE_INVALID, ROSTER_INVALID.
 */
export async function draftRoster(
  coordinator: Pick<Coordinator, 'roster'>,
  changes: readonly RosterChange[],
  { rootPem, nowMs }: { readonly rootPem: string; readonly nowMs: number },
): Promise<Draft> {
  const current = await coordinator.roster();
  const roster = openRoster(current, rootPem);
  const next = nextRoster({ roster, digest: digestOf(current) }, changes, nowMs);
  return { current, next, lines: linesOf(next, roster) };
}

/** Drafts, signs with the root's key, which stays on this machine, and puts in force. */
export async function changeRoster(
  coordinator: Pick<Coordinator, 'roster' | 'installRoster'>,
  changes: readonly RosterChange[],
  { rootKey, nowMs }: { readonly rootKey: string; readonly nowMs: number },
): Promise<Draft> {
  const { root } = await readRoot(rootFolderOf(rootKey));
  const draft = await draftRoster(coordinator, changes, { rootPem: root.certificatePem, nowMs });
  await coordinator.installRoster(await signRoster(draft.next, root.privateKeyPem));
  return draft;
}

/** The folder in which the root's key lies, with its certificate beside it, as `consilium ca init` made them. */
export function rootFolderOf(rootKey: string): string {
  if (basename(rootKey) !== 'root.key') throw new Fault('USAGE', { expected: 'root.key, with root.pem beside it' });
  return dirname(rootKey);
}

/** The root's certificate, from its file or from beside the key. */
export async function readRootPem({ root, rootKey }: { root?: string; rootKey?: string }): Promise<string> {
  const file = root ?? (rootKey === undefined ? undefined : join(rootFolderOf(rootKey), 'root.pem'));
  if (file === undefined) throw new Fault('USAGE', { expected: '--root, the federation’s root.pem' });
  const text = await readTextFile(file);
  if (text === undefined) throw new Fault('NOT_FOUND', { file: 'root.pem' });
  return text;
}

/** The roster in force, once the root is seen to have signed it. */
export const rosterInForce = async (coordinator: Pick<Coordinator, 'roster'>, rootPem: string): Promise<Roster> =>
  openRoster(await coordinator.roster(), rootPem);

/** A roster that was signed elsewhere, as the bytes that it is. */
export async function readRosterFile(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    throw isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR') ? new Fault('NOT_FOUND', { file: 'the roster' }, error) : error;
  }
}
