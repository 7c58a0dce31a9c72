import {
  createRoot,
  encodePublicKey,
  newSigningKey,
  signRoster,
  type Issued,
  type PersonId,
  type Roster,
  type SoftwareKey,
} from '@consilium/identity';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SiteName } from '@consilium/stdx';

/** A federation's root in a folder, its people with their keys, and a first roster. */
export interface TestFederation {
  readonly root: Issued;
  /** The folder of root.key and root.pem. */
  readonly folder: string;
  readonly rootKey: string;
  readonly roster: Roster;
  readonly document: Uint8Array;
  readonly proposer: SoftwareKey;
  readonly admin: SoftwareKey;
}

export const PEOPLE = { proposer: 'person-proposer00', admin: 'person-admin00000' } as const;
export const publicKeyOf = (key: SoftwareKey): string => encodePublicKey(key.publicKey);

export async function foundFederation(parent: string, sites: readonly string[] = []): Promise<TestFederation> {
  const now = Date.now();
  const root = await createRoot({ federation: 'demo', now, days: 30 });
  const folder = join(parent, 'pki');
  await mkdir(folder);
  await writeFile(join(folder, 'root.key'), root.privateKeyPem);
  await writeFile(join(folder, 'root.pem'), root.certificatePem);
  const [proposer, admin, coordinator] = [newSigningKey(), newSigningKey(), newSigningKey()];
  const roster: Roster = {
    schema: 'consilium.roster/1',
    federation: 'demo',
    version: 1,
    previous: null,
    coordinator: { signing: publicKeyOf(coordinator) },
    sites: sites.map((name) => ({ name: name as SiteName, signing: publicKeyOf(newSigningKey()), jurisdiction: 'DE' })),
    people: [
      { person: PEOPLE.admin as PersonId, roles: ['admin'], signing: publicKeyOf(admin) },
      { person: PEOPLE.proposer as PersonId, roles: ['proposer'], signing: publicKeyOf(proposer) },
    ],
    issuedMs: now,
  };
  const document = await signRoster(roster, root.privateKeyPem);
  return { root, folder, rootKey: join(folder, 'root.key'), roster, document, proposer, admin };
}
