import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeKeyFile, type PersonId, type RosterPerson, type SigningKey } from '@consilium/identity';
import { Fault } from '@consilium/stdx';
import { issueCoordinator } from '../ca/coordinator-folder.js';
import { initRoot } from '../ca/root-folder.js';
import { exists, readTextFile } from '../files.js';
import { createKey, showKey } from '../keys/person-key.js';
import { PERSON_ROLES, type Layout, type PersonRole } from './layout.js';
import { COORDINATOR_HOSTS } from './settings.js';

const DAYS = 3650;

/**
 * Founds a federation as its consortium would: `ca init`, a key for each of the two people who sign plans, and
 * `ca issue-coordinator` with these people in the first roster. What is there already is kept, so that it may be killed
 * at any line and called again; the coordinator's identity comes last, and where it is whole there is nothing to do.
 *
 * That all of it happens on one machine, with no passphrase on any key, is what only a demonstration may do.
 */
export async function foundFederation(layout: Layout, federation: string, nowMs: number): Promise<void> {
  await mkdir(layout.pki, { recursive: true, mode: 0o700 });
  await chmod(layout.pki, 0o700);
  const validity = { now: nowMs, days: DAYS };
  if (!(await exists(join(layout.pki, 'root.pem')))) await initRoot(layout.pki, federation, validity);
  const people = await Promise.all(PERSON_ROLES.map((role) => enlist(layout, role)));
  await issueCoordinator({
    ...validity,
    root: layout.pki,
    out: layout.coordinatorIdentity,
    hosts: COORDINATOR_HOSTS,
    people,
  });
}

async function enlist(layout: Layout, role: PersonRole): Promise<RosterPerson> {
  const file = layout.personKey(role);
  const { publicKey, keyid } = (await exists(file)) ? await showKey(file, undefined) : await createKey(file, undefined);
  // Minted from the key, so that the same key is the same person after a start that was killed in between.
  return { person: `person-${keyid.slice(0, 16)}` as PersonId, roles: [role], signing: publicKey };
}

/** The key by which somebody signs plans. */
export async function personsKey(layout: Layout, role: PersonRole): Promise<SigningKey> {
  const text = await readTextFile(layout.personKey(role));
  if (text === undefined) throw new Fault('NOT_FOUND', { file: `${role}.key` });
  return decodeKeyFile(text);
}
