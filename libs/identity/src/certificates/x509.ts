// First: @peculiar/x509 finds its parts by decorator metadata and fails at import without it.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { Fault } from '@consilium/stdx';

x509.cryptoProvider.set(globalThis.crypto);

/** P-256 with SHA-256: every TLS stack and hardware module agrees on it, as they do not yet on Ed25519 certificates. */
export const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export const newKeys = (): Promise<CryptoKeyPair> =>
  globalThis.crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;

/** A certificate from DER bytes or PEM text, of which the first counts; CERTIFICATE_INVALID for anything else. */
export function readCertificate(encoded: Uint8Array | string): x509.X509Certificate {
  try {
    // A copy, since what comes from TLS may be a view into a larger buffer.
    const certificate = new x509.X509Certificate(typeof encoded === 'string' ? encoded : encoded.slice());
    // The library reads its parts when they are first asked for, and throws its own errors then: ask for each now.
    void [certificate.notBefore, certificate.notAfter, certificate.publicKey.rawData];
    const types = certificate.extensions.map(({ type }) => type);
    if (new Set(types).size < types.length) throw new Fault('CERTIFICATE_INVALID', { expected: 'each extension once' });
    return certificate;
  } catch (error) {
    throw Fault.from(error, 'CERTIFICATE_INVALID');
  }
}

/** A private key from PKCS #8 PEM; CERTIFICATE_INVALID for anything else. */
export async function readPrivateKey(pem: string, { extractable = false } = {}): Promise<CryptoKey> {
  try {
    const der = x509.PemConverter.decodeFirst(pem);
    return await globalThis.crypto.subtle.importKey('pkcs8', der, ALGORITHM, extractable, ['sign']);
  } catch (error) {
    throw new Fault('CERTIFICATE_INVALID', {}, error);
  }
}

export async function writePrivateKey(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await globalThis.crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}

export const writeCertificate = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;

/** 126 random bits, positive and of fixed length (RFC 5280, 4.1.2.2 allows up to 20 octets). */
export function newSerial(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The URIs of the subject alternative name, in order. */
export function urisOf(certificate: x509.X509Certificate): readonly string[] {
  const names = certificate.getExtensions(x509.SubjectAlternativeNameExtension);
  return names.flatMap((extension) =>
    extension.names.items.filter(({ type }) => type === 'url').map(({ value }) => value),
  );
}

export { x509 };
