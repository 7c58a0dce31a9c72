import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  decodeBase64,
  decodeKeyFile,
  encodeBase64,
  encodeKeyFile,
  newRequest,
  newSigningKey,
  type SoftwareKey,
} from '@consilium/identity';
import { isErrno } from '@consilium/machine';
import { Fault, fromUtf8, parseShape, utf8 } from '@consilium/stdx';
import { z } from 'zod';
import { IDENTITY_FILES } from '../identity-files.js';
import { disk, type Disk } from './change.js';

/** Keys that were made for a request which no certificate has answered yet. */
export interface Keys {
  readonly signing: SoftwareKey;
  /** PKCS #8 PEM of the TLS key. */
  readonly privateKeyPem: string;
  /** DER of the certificate request. */
  readonly csr: Uint8Array;
}

/** What an enrolment brought: PEM text of root and chain, and the roster as a document. */
export interface Enrolled {
  readonly rootPem: string;
  readonly certificatePem: string;
  readonly roster: Uint8Array;
}

/** The keys of an enrolment or a rekeying while it is under way; gone when it is done. */
export const REQUESTS = { join: 'request.json', rekey: 'rekey.json' } as const;

const requestSchema = z.strictObject({
  schema: z.literal('consilium.request/1'),
  signing: z.string(),
  privateKey: z.string(),
  csr: z.string(),
});

/**
 * The identity folder while it is being filled. The keys are on disk before the first byte about them leaves, and the
 * final files appear only once a certificate answers them; killed at any line, the same command goes on with the same
 * keys, so that the words that an administrator has compared stay true.
 */
export class IdentityFolder {
  constructor(
    readonly path: string,
    private readonly request: string = REQUESTS.join,
    private readonly to: Disk = disk,
  ) {}

  /** Whether the site has an identity already. */
  async isEnrolled(): Promise<boolean> {
    return (await this.#read(IDENTITY_FILES.certificate)) !== undefined;
  }

  /** Whether a request is under way. */
  async isAsking(): Promise<boolean> {
    return (await this.asking()) !== undefined;
  }

  /** The keys of the request under way. */
  async asking(): Promise<Keys | undefined> {
    const there = await this.#read(this.request);
    return there && readRequest(there);
  }

  /** The keys of the request under way, made now if there is none. `resumed` says that they were there before. */
  async keys(): Promise<Keys & { readonly resumed: boolean }> {
    const there = await this.asking();
    if (there) return { ...there, resumed: true };
    const signing = newSigningKey((length) => randomBytes(length));
    const { csr, privateKeyPem } = await newRequest();
    const content = {
      schema: 'consilium.request/1',
      signing: encodeKeyFile(signing),
      privateKey: privateKeyPem,
      csr: encodeBase64(csr),
    };
    await this.#write({ [this.request]: utf8(`${JSON.stringify(content)}\n`) });
    return { signing, csr, privateKeyPem, resumed: false };
  }

  /** Keeps what came; the certificate last, since it is what says that the rest is there. */
  async keep({ signing, privateKeyPem }: Keys, { rootPem, certificatePem, roster }: Enrolled): Promise<void> {
    await this.#write({
      [IDENTITY_FILES.root]: utf8(rootPem),
      [IDENTITY_FILES.roster]: roster,
      [IDENTITY_FILES.privateKey]: utf8(privateKeyPem),
      [IDENTITY_FILES.signing]: utf8(encodeKeyFile(signing)),
    });
    await this.#write({ [IDENTITY_FILES.certificate]: utf8(certificatePem) });
    await this.forget();
  }

  /** The request is answered, or will never be: the next one is for other keys. */
  forget(): Promise<void> {
    return this.to.remove(join(this.path, this.request));
  }

  #write(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
    return this.to.write(new Map(Object.entries(files).map(([name, bytes]) => [join(this.path, name), bytes])));
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(join(this.path, name));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw new Fault('STATE_UNREADABLE', { what: 'the identity folder' }, error);
    }
  }
}

function readRequest(bytes: Uint8Array): Keys {
  try {
    const { signing, privateKey, csr } = parseShape(requestSchema, JSON.parse(fromUtf8(bytes)), 'STATE_UNREADABLE');
    return {
      signing: decodeKeyFile(signing),
      privateKeyPem: privateKey,
      csr: decodeBase64(csr, 'STATE_UNREADABLE'),
    };
  } catch (error) {
    throw new Fault('STATE_UNREADABLE', { what: 'the keys of a request' }, error);
  }
}
