import { createPrivateKey, X509Certificate } from 'node:crypto';
import { peerOf, verifyChain } from '@consilium/identity';
import { Fault, type SiteName } from '@consilium/stdx';

/** A certificate (leaf and intermediate) and its key, as PEM text. */
export interface Pair {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface WhoseLeaf {
  readonly site: SiteName;
  readonly federation: string;
  readonly rootPem: string;
  /** UTC milliseconds. */
  readonly now: number;
}

/** The leaf, if it is this site's, leads to the root and fits the key. CERTIFICATE_INVALID otherwise. */
export function requireOwnLeaf({ certificatePem, privateKeyPem }: Pair, whose: WhoseLeaf): X509Certificate {
  const { site, federation, rootPem, now } = whose;
  const leaf = new X509Certificate(verifyChain({ chainPem: certificatePem, rootPem, now }));
  const peer = peerOf(leaf.raw, federation, now);
  if (peer.kind !== 'site' || peer.name !== site || !leaf.checkPrivateKey(createPrivateKey(privateKeyPem))) {
    throw new Fault('CERTIFICATE_INVALID', { expected: 'a certificate of this site for the key that it made' });
  }
  return leaf;
}

/** When a certificate is due for renewal, at two thirds of its life, and when it ends: UTC milliseconds. */
export function lifeOf(certificatePem: string): { readonly dueMs: number; readonly notAfterMs: number } {
  const { validFrom, validTo } = new X509Certificate(certificatePem);
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return { dueMs: from + ((to - from) * 2) / 3, notAfterMs: to };
}
