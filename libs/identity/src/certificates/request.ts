import { digestOf, Fault, type Digest } from '@consilium/stdx';
import { p256Point, verifyP256 } from '../keys/p256.js';
import { signedDer } from './der.js';
import { ALGORITHM, newKeys, writePrivateKey, x509 } from './x509.js';

const REQUEST_BYTES_MAX = 2048;

/** A request for a certificate (PKCS #10, RFC 2986), and the key for which it asks. */
export interface NewRequest {
  /** DER. */
  readonly csr: Uint8Array;
  readonly privateKeyPem: string;
}

/** A new P-256 key and a request that it has signed. It names nobody: who gets the certificate is the issuer's to say. */
export async function newRequest(): Promise<NewRequest> {
  const keys = await newKeys();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: ALGORITHM });
  return { csr: new Uint8Array(request.rawData), privateKeyPem: await writePrivateKey(keys.privateKey) };
}

/**
 * The public key for which a request (DER) asks, once its signature has proved that the asker holds the private key.
 *
 * CSR_INVALID where the request names a subject, asks for any extension (another name, an authority's rights), is of
 * another key than P-256, is not signed by that key, or cannot be read: nothing in it may decide what is issued.
 */
export function readRequest(csr: Uint8Array): { readonly publicKey: Uint8Array; readonly spki: Digest } {
  if (csr.byteLength > REQUEST_BYTES_MAX) throw new Fault('CSR_INVALID', { bytesMax: REQUEST_BYTES_MAX });
  const { signed, signature } = signedDer(csr, 'CSR_INVALID');
  const { names, attributes, publicKey } = parse(csr);
  if (names > 0 || attributes > 0) throw new Fault('CSR_INVALID', { expected: 'a key alone', names, attributes });
  const point = p256Point(publicKey, 'CSR_INVALID');
  if (!verifyP256(point, signed, signature, { lowS: false })) {
    throw new Fault('CSR_INVALID', { expected: 'the signature of its own key' });
  }
  return { publicKey, spki: digestOf(publicKey) };
}

function parse(csr: Uint8Array): { names: number; attributes: number; publicKey: Uint8Array } {
  try {
    const request = new x509.Pkcs10CertificateRequest(csr.slice());
    return {
      names: request.subjectName.toJSON().length,
      attributes: request.attributes.length,
      publicKey: new Uint8Array(request.publicKey.rawData),
    };
  } catch (error) {
    throw new Fault('CSR_INVALID', { expected: 'a PKCS #10 request' }, error);
  }
}
