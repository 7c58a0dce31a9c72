import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import {
  certificateFacts,
  encodePublicKey,
  fingerprintWords,
  keyId,
  openRoster,
  publicKeyOfFile,
  verifyChain,
  type CertificateFacts,
} from '@consilium/identity';
import { digestOf, Fault, utf8, type Digest } from '@consilium/stdx';
import { readTextFile } from '../files.js';
import { linesOf, type RosterLine } from './sign-roster.js';

/** What stands in a folder of keys and certificates: the root's, the coordinator's or a site's. */
export interface IdentityShown {
  readonly certificates: readonly (CertificateFacts & { readonly file: string; readonly expired: boolean })[];
  readonly signing?: { readonly keyid: Digest; readonly publicKey: string; readonly words: string };
  readonly roster?: { readonly version: number; readonly digest: Digest; readonly lines: readonly RosterLine[] };
}

/**
 * Reads an identity folder and holds its parts against its root: the intermediate, a site's certificate with its chain,
 * the roster's signature. Secrets are not read. Faults: NOT_FOUND without a root, else the first thing that does not fit.
 */
export async function showIdentity(folder: string, now: number): Promise<IdentityShown> {
  const read = (file: string): Promise<string | undefined> => readTextFile(join(folder, file));
  const rootPem = await read('root.pem');
  if (rootPem === undefined) throw new Fault('NOT_FOUND', { file: 'root.pem' });
  const facts = (file: string, pem: string) => {
    const read = certificateFacts(pem);
    return { file, ...read, expired: read.notAfter < now };
  };
  const certificates = [facts('root.pem', rootPem)];

  const intermediate = await read('intermediate.pem');
  if (intermediate !== undefined) {
    certificates.push(facts('intermediate.pem', intermediate));
    if (!new X509Certificate(intermediate).verify(new X509Certificate(rootPem).publicKey))
      throw new Fault('PEER_CERTIFICATE_FOREIGN', { file: 'intermediate.pem' });
  }
  const chain = await read('certificate.pem');
  if (chain !== undefined) {
    const shown = facts('certificate.pem', chain);
    certificates.push(shown);
    // One that has lapsed is shown as that: the site renews it by itself.
    verifyChain({ chainPem: chain, rootPem, now: Math.min(now, shown.notAfter) });
  }

  const [key, roster] = [await read('signing.key'), await read('roster.json')];
  return {
    certificates,
    ...(key !== undefined && { signing: signingOf(key) }),
    ...(roster !== undefined && { roster: rosterOf(roster, rootPem) }),
  };
}

function signingOf(file: string): IdentityShown['signing'] {
  const { publicKey } = publicKeyOfFile(file);
  return { keyid: keyId(publicKey), publicKey: encodePublicKey(publicKey), words: fingerprintWords(publicKey) };
}

function rosterOf(text: string, rootPem: string): IdentityShown['roster'] {
  const document = utf8(text);
  const roster = openRoster(document, rootPem);
  return { version: roster.version, digest: digestOf(document), lines: linesOf(roster) };
}
