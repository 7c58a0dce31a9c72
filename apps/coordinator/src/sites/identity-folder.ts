import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { certificateFacts, decodeKeyFile, encodePublicKey, type Issued, type SigningKey } from '@consilium/identity';
import { isErrno } from '@consilium/machine';
import { Fault, parseShape, type Digest } from '@consilium/stdx';
import { z } from 'zod';
import { requireOwnRoster, signedRoster, type SignedRoster } from './rosters.js';

/** Who the coordinator is, as `consilium ca issue-coordinator` made it. The root's key is nowhere here. */
export interface CoordinatorIdentity {
  readonly rootPem: string;
  /** SHA-256 of the root's certificate (DER): what a one-time token pins. */
  readonly rootDigest: Digest;
  /** Signs the certificates of sites and the coordinator's own; admits nobody, since the root signs the roster. */
  readonly intermediate: Issued;
  /** Signs the coordinator's log, its studies and its cosignatures. */
  readonly signing: SigningKey;
  readonly roster: SignedRoster;
  /** Names and addresses under which sites reach it, as it was told when it was made. */
  readonly hosts: readonly string[];
}

const FILES = {
  root: 'root.pem',
  intermediate: 'intermediate.pem',
  intermediateKey: 'intermediate.key',
  signing: 'signing.key',
  roster: 'roster.json',
} as const;

/** Beside them, in a folder that says so, under which names sites reach the coordinator. */
const HOSTS = 'hosts.json';
const hostsShape = z.array(z.string().min(1).max(253)).max(100);

/**
 * Reads the identity folder and holds its parts against each other. Faults: SETTINGS_INVALID with the file that cannot be
 * read; CERTIFICATE_INVALID, PEER_CERTIFICATE_FOREIGN, KEY_INVALID, ENVELOPE_INVALID, SIGNATURE_INVALID; ROSTER_INVALID
 * for a roster of another coordinator.
 */
export async function readIdentity(folder: string, federation: string): Promise<CoordinatorIdentity> {
  const read = async (name: string): Promise<Buffer> => {
    try {
      return await readFile(join(folder, name));
    } catch (error) {
      throw new Fault('SETTINGS_INVALID', { path: 'identity', expected: `a folder with ${name}` }, error);
    }
  };
  const text = async (name: string): Promise<string> => (await read(name)).toString('utf8');

  const rootPem = await text(FILES.root);
  const { spiffe, fingerprint } = certificateFacts(rootPem);
  if (spiffe !== `spiffe://${federation}`) {
    throw new Fault('CERTIFICATE_INVALID', { expected: `spiffe://${federation}`, came: spiffe });
  }
  const signing = decodeKeyFile(await text(FILES.signing));
  const roster = signedRoster(await read(FILES.roster), rootPem);
  requireOwnRoster(roster, encodePublicKey(signing.publicKey));
  const intermediate = {
    certificatePem: await text(FILES.intermediate),
    privateKeyPem: await text(FILES.intermediateKey),
  };
  const hosts = parseShape(hostsShape, await readHosts(join(folder, HOSTS)), 'SETTINGS_INVALID');
  return { rootPem, rootDigest: fingerprint, intermediate, signing, roster, hosts };
}

async function readHosts(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw new Fault('SETTINGS_INVALID', { path: 'identity', expected: `a list of names in ${HOSTS}` }, error);
  }
}
