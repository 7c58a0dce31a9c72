import { readFile } from 'node:fs/promises';
import {
  decodePublicKey,
  fingerprintWords,
  openRoster,
  requireSuccessor,
  rosterSchema,
  signRoster,
  type Roster,
} from '@consilium/identity';
import { isErrno } from '@consilium/machine';
import { digestOf, Fault, parseShape, type Digest } from '@consilium/stdx';
import { exists, readTextFile, writeFileWhole } from '../files.js';
import { readRoot } from './root-folder.js';

/** One line of what is signed: somebody, with the words by which their key is known. */
export interface RosterLine {
  /** Against the roster before: come, gone, changed, or as it was. */
  readonly mark: '+' | '-' | '~' | ' ';
  readonly name: string;
  readonly what: string;
  readonly words: string;
}

export interface SignedRosterFile {
  readonly file: string;
  readonly version: number;
  readonly digest: Digest;
  readonly lines: readonly RosterLine[];
}

/**
 * Signs a draft of a roster (JSON) with the root's key, on the machine where that key is. With the roster before, it
 * must be the one that follows it, and the lines tell what changes, so that whoever signs sees it.
 */
export async function signRosterFile(terms: {
  root: string;
  draft: string;
  previous?: string;
  out: string;
}): Promise<SignedRosterFile> {
  const { root, federation } = await readRoot(terms.root);
  const draft = parseShape(rosterSchema, await readJson(terms.draft), 'ROSTER_INVALID');
  if (draft.federation !== federation) throw new Fault('ROSTER_INVALID', { path: 'federation' });
  if (await exists(terms.out)) throw new Fault('ALREADY_EXISTS', { file: '--out' });
  const document = await signRoster(draft, root.privateKeyPem);
  const digest = digestOf(document);
  let before: Roster | undefined;
  if (terms.previous !== undefined) {
    const bytes = await readDocument(terms.previous);
    before = openRoster(bytes, root.certificatePem);
    requireSuccessor({ roster: before, digest: digestOf(bytes) }, { roster: draft, digest });
  }
  await writeFileWhole(terms.out, document);
  return { file: terms.out, version: draft.version, digest, lines: linesOf(draft, before ?? draft) };
}

/** Everybody of a roster in order, and those that are gone from the one before. */
export function linesOf(roster: Roster, before: Roster = roster): readonly RosterLine[] {
  const [now, then] = [entriesOf(roster), entriesOf(before)];
  const names = [...new Set([...then.keys(), ...now.keys()])].sort();
  return names.map((name) => {
    const [entry, old] = [now.get(name), then.get(name)];
    const { what, signing } = (entry ?? old)!;
    const changed = old?.what !== entry?.what || old?.signing !== entry?.signing;
    const mark = !old ? '+' : !entry ? '-' : changed ? '~' : ' ';
    return { mark, name, what, words: fingerprintWords(decodePublicKey(signing)) };
  });
}

const entriesOf = ({ coordinator, sites, people }: Roster): ReadonlyMap<string, { what: string; signing: string }> =>
  new Map([
    ['coordinator', { what: '', signing: coordinator.signing }],
    ...people.map(({ person, roles, signing }) => [person, { what: roles.join(', '), signing }] as const),
    ...sites.map(({ name, jurisdiction, signing }) => [`site ${name}`, { what: jurisdiction, signing }] as const),
  ]);

async function readJson(path: string): Promise<unknown> {
  const text = await readTextFile(path);
  if (text === undefined) throw new Fault('NOT_FOUND', { file: '--roster' });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Fault('ROSTER_INVALID', { expected: 'JSON' }, error);
  }
}

async function readDocument(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    throw isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR') ? new Fault('NOT_FOUND', { file: '--previous' }) : error;
  }
}
