import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  certificateFacts,
  createIntermediate,
  encodeKeyFile,
  encodePublicKey,
  fingerprintWords,
  keyId,
  newSigningKey,
  signRoster,
  type RosterPerson,
} from '@consilium/identity';
import { digestOf, Fault, type Digest } from '@consilium/stdx';
import { exists, readTextFile, writeFileWhole } from '../files.js';
import { readRoot, type Validity } from './root-folder.js';

/** The files of a coordinator's identity. */
export const COORDINATOR_FILES = {
  root: 'root.pem',
  intermediate: 'intermediate.pem',
  intermediateKey: 'intermediate.key',
  signing: 'signing.key',
  roster: 'roster.json',
  /** A list of names and addresses under which sites reach it, for its server certificate. */
  hosts: 'hosts.json',
} as const;

export interface CoordinatorFiles {
  readonly folder: string;
  readonly federation: string;
  readonly notAfterMs: number;
  readonly signing: { readonly keyid: Digest; readonly publicKey: string; readonly words: string };
  readonly roster: { readonly version: number; readonly digest: Digest };
}

export interface Terms extends Validity {
  /** The folder of the root. */
  readonly root: string;
  /** The identity folder to make. */
  readonly out: string;
  readonly hosts: readonly string[];
  /** Who may sign plans from the first roster on; nobody if left away. */
  readonly people?: readonly RosterPerson[];
}

/**
 * Makes the identity of a federation's coordinator: an intermediate from the root, a signing key, and the first roster,
 * without sites, signed by the root. The root's key itself never goes there. An identity that exists is kept.
 */
export async function issueCoordinator(terms: Terms): Promise<CoordinatorFiles> {
  const { out, hosts, now, days, people = [] } = terms;
  const at = (file: keyof typeof COORDINATOR_FILES): string => join(out, COORDINATOR_FILES[file]);
  // Written last: where it is, the identity is whole and may be in use.
  if (await exists(at('intermediate'))) throw new Fault('ALREADY_EXISTS', { file: COORDINATOR_FILES.intermediate });
  const { root, federation } = await readRoot(terms.root);
  const intermediate = await createIntermediate({ root, federation, now, days });
  const key = newSigningKey();
  const publicKey = encodePublicKey(key.publicKey);
  const roster = await signRoster(
    {
      schema: 'consilium.roster/1',
      federation,
      version: 1,
      previous: null,
      coordinator: { signing: publicKey },
      sites: [],
      people: [...people].sort((a, b) => (a.person < b.person ? -1 : 1)),
      issuedMs: now,
    },
    root.privateKeyPem,
  );

  await mkdir(out, { recursive: true, mode: 0o700 });
  await chmod(out, 0o700);
  // Not sealed by a passphrase: the coordinator starts without anybody there.
  await writeFileWhole(at('signing'), encodeKeyFile(key), 0o600);
  await writeFileWhole(at('roster'), roster, 0o600);
  await writeFileWhole(at('hosts'), `${JSON.stringify(hosts)}\n`, 0o600);
  await writeFileWhole(at('root'), root.certificatePem, 0o600);
  await writeFileWhole(at('intermediateKey'), intermediate.privateKeyPem, 0o600);
  await writeFileWhole(at('intermediate'), intermediate.certificatePem, 0o600);
  return {
    folder: out,
    federation,
    notAfterMs: certificateFacts(intermediate.certificatePem).notAfter,
    signing: { keyid: keyId(key.publicKey), publicKey, words: fingerprintWords(key.publicKey) },
    roster: { version: 1, digest: digestOf(roster) },
  };
}

/**
 * Gives an identity that exists another intermediate, before its old one expires; signing key and roster stay, and no
 * site notices, since sites trust the root alone. Key and certificate go in one after the other: stop the coordinator.
 */
export async function renewIntermediate(
  terms: Omit<Terms, 'hosts' | 'people'>,
): Promise<{ folder: string; notAfterMs: number }> {
  const { out, now, days } = terms;
  const at = (file: keyof typeof COORDINATOR_FILES): string => join(out, COORDINATOR_FILES[file]);
  const { root, federation } = await readRoot(terms.root);
  if ((await readTextFile(at('root'))) !== root.certificatePem)
    throw new Fault('CERTIFICATE_INVALID', { expected: 'an identity of this root' });
  const intermediate = await createIntermediate({ root, federation, now, days });
  await writeFileWhole(at('intermediateKey'), intermediate.privateKeyPem, 0o600);
  await writeFileWhole(at('intermediate'), intermediate.certificatePem, 0o600);
  return { folder: out, notAfterMs: certificateFacts(intermediate.certificatePem).notAfter };
}
