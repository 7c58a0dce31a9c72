import { encodeBase64, encodePublicKey, signEnvelope, encodeKeyFile } from '@consilium/identity';
import { fromUtf8, type Clock, type SiteName } from '@consilium/stdx';
import type { EnrolmentChannel } from '@consilium/wire';
import type { Identity } from '../identity.js';
import type { IdentityChange } from '../identity-files.js';
import { admission } from './admission.js';
import type { IdentityFolder } from './folder.js';
import { newNonce } from './nonce.js';

export interface RekeyPorts {
  readonly site: SiteName;
  readonly federation: string;
  readonly identity: Identity;
  /** With the request of the rekeying. */
  readonly folder: IdentityFolder;
  readonly channel: Pick<EnrolmentChannel, 'rekey' | 'collect'>;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly signal: AbortSignal;
  /** Told before the request leaves; writes it to the site's log. */
  readonly sending: (request: Uint8Array) => Promise<void>;
  readonly onPending: (words: string) => void;
}

/**
 * Asks for another signing key, with a request that the old and the new one have signed, and waits until an
 * administrator has compared the new six words. Answers the change that makes the new identity, which the caller
 * commits; until then the site's identity is the old one, whole.
 *
 * Faults: those of `admission`, and SIGNATURE_INVALID when the roster does not list the old key.
 */
export async function nextIdentity(ports: RekeyPorts): Promise<IdentityChange> {
  const { site, federation, identity, folder, channel, clock, signal } = ports;
  const keys = await folder.keys();
  const enrolled = await admission(keys, { ...ports, rootPem: identity.rootPem }, async () => {
    const rekey = {
      schema: 'consilium.rekey/1',
      federation,
      site,
      signing: encodePublicKey(keys.signing.publicKey),
      csr: encodeBase64(keys.csr),
      atMs: clock.now(),
      nonce: newNonce(),
    } as const;
    const envelope = signEnvelope('rekey', rekey, [identity.signing, keys.signing]);
    await ports.sending(envelope);
    return channel.rekey(envelope, signal);
  });
  const former = [...identity.formerKeys, identity.signing.publicKey].map(encodePublicKey);
  return {
    certificate: enrolled.certificatePem,
    privateKey: keys.privateKeyPem,
    signing: encodeKeyFile(keys.signing),
    roster: fromUtf8(enrolled.roster),
    former: `${JSON.stringify(former)}\n`,
  };
}

/** Whether another key than this identity's waits to be admitted. */
export async function isRekeying(folder: IdentityFolder, { signing }: Pick<Identity, 'signing'>): Promise<boolean> {
  const keys = await folder.asking();
  return keys !== undefined && encodePublicKey(keys.signing.publicKey) !== encodePublicKey(signing.publicKey);
}
