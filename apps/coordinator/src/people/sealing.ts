import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Fault } from '@consilium/stdx';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Keeps a secret that must be read again, such as that of one-time codes, from whoever has only the database: AES-256-GCM
 * under a key of the state folder, bound to the account so that no row's value works in another.
 */
export class Sealing {
  constructor(private readonly key: Uint8Array) {}

  seal(secret: Uint8Array, owner: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(Buffer.from(owner));
    const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64');
  }

  /** STATE_UNREADABLE where the key is another, or the text was changed or belongs to somebody else. */
  open(text: string, owner: string): Uint8Array {
    const bytes = Buffer.from(text, 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(owner)).setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch (error) {
      throw new Fault('STATE_UNREADABLE', { expected: 'a secret that this state’s key opens' }, error);
    }
  }
}
