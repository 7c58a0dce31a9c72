import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeKeyFile, decodePublicKey, type SigningKey } from '@consilium/identity';
import { isErrno } from '@consilium/machine';
import { Fault, fromUtf8, utf8, type Digest } from '@consilium/stdx';
import { z } from 'zod';
import { IDENTITY_FILES, readChange, type IdentityChange, type IdentityFile } from './identity-files.js';

/** Who this site is: what `agent join` left in the identity folder. */
export interface Identity {
  /** The federation's root certificate: the one thing that is believed without proof. */
  readonly rootPem: string;
  /** SHA-256 of the root certificate's DER. */
  readonly rootDigest: Digest;
  /** The site's own certificate and the intermediate's, and the private key of the first. */
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** Signs the log's checkpoints, cosignatures, updates and approvals; apart from the TLS key, which changes daily. */
  readonly signing: SigningKey;
  /** Public keys that this site signed with before it was rekeyed: older checkpoints of its log are theirs. */
  readonly formerKeys: readonly Uint8Array[];
  /** The roster as it was at the enrolment, as a document that the root has signed. */
  readonly roster: Uint8Array;
}

/** Base64 of 32 bytes each. */
const formerSchema = z.array(z.string()).max(1000);

/**
 * Reads the identity folder, and what a change that is under way says instead of the files. IDENTITY_MISSING when a file is not there; CERTIFICATE_INVALID, KEY_INVALID or KEY_LOCKED
 * (a key that a passphrase seals) for one that cannot be used.
 */
export async function readIdentity(folder: string): Promise<Identity> {
  const change = await readChange(folder);
  const file = (name: IdentityFile): Promise<Uint8Array> => read(folder, name, change);
  const [root, certificate, privateKey, signing, roster, former] = await Promise.all([
    file('root'),
    file('certificate'),
    file('privateKey'),
    file('signing'),
    file('roster'),
    file('former').catch(() => undefined),
  ]);
  const rootPem = fromUtf8(root);
  return {
    rootPem,
    rootDigest: digestOfCertificate(rootPem),
    certificatePem: fromUtf8(certificate),
    privateKeyPem: fromUtf8(privateKey),
    signing: decodeKeyFile(fromUtf8(signing)),
    formerKeys: former ? readFormerKeys(former) : [],
    roster,
  };
}

function readFormerKeys(bytes: Uint8Array): Uint8Array[] {
  try {
    return formerSchema.parse(JSON.parse(fromUtf8(bytes))).map(decodePublicKey);
  } catch (error) {
    throw new Fault('KEY_INVALID', { field: 'former' }, error);
  }
}

async function read(folder: string, name: IdentityFile, change: IdentityChange = {}): Promise<Uint8Array> {
  const changed = change[name];
  if (changed !== undefined) return utf8(changed);
  try {
    return await readFile(join(folder, IDENTITY_FILES[name]));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw new Fault('IDENTITY_MISSING', { field: name }, error);
    throw new Fault('CERTIFICATE_INVALID', { field: name, expected: 'a file that can be read' }, error);
  }
}

/** SHA-256 of the DER: the same for every way in which PEM can be wrapped. */
function digestOfCertificate(pem: string): Digest {
  try {
    return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex') as Digest;
  } catch (error) {
    throw new Fault('CERTIFICATE_INVALID', { field: 'root', expected: 'a certificate' }, error);
  }
}
