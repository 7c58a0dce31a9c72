import { X509Certificate } from 'node:crypto';
import { encodeBase64, encodePublicKey, fingerprintWords, signEnvelope, type JoinToken } from '@consilium/identity';
import { digestOf, type Clock, type Digest } from '@consilium/stdx';
import type { EnrolmentChannel } from '@consilium/wire';
import { admission } from './admission.js';
import type { IdentityFolder } from './folder.js';

export interface JoinPorts {
  readonly folder: IdentityFolder;
  readonly channel: Pick<EnrolmentChannel, 'root' | 'join' | 'collect'>;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly signal: AbortSignal;
  /** Told once the coordinator holds the request: an administrator now compares these words. */
  readonly onPending: (words: string) => void;
}

export interface Joined {
  readonly words: string;
  /** SHA-256 of the root certificate (DER), and of the roster document. */
  readonly root: Digest;
  readonly roster: Digest;
  /** UTC milliseconds. */
  readonly notAfterMs: number;
}

/**
 * Joins a federation with a one-time token, and waits until an administrator has compared the six words and admitted the
 * site. First contact is pinned to the root that the token names; the request proves that this site holds both its
 * keys. Killed and started again with the same token, it goes on with the same keys.
 *
 * Faults: JOIN_TOKEN_INVALID (used, expired or unknown), ROOT_PIN_MISMATCH, TLS_INTERCEPTED, and those of `admission`.
 */
export async function joinFederation(token: JoinToken, ports: JoinPorts): Promise<Joined> {
  const { folder, channel, clock, signal } = ports;
  const { federation, site, secret, digest } = token;
  const keys = await folder.keys();
  const rootPem = await channel.root();

  const enrolled = await admission(keys, { ...ports, federation, site, rootPem }, () => {
    const join = {
      schema: 'consilium.join/1',
      federation,
      site,
      token: digest,
      csr: encodeBase64(keys.csr),
      signing: encodePublicKey(keys.signing.publicKey),
      atMs: clock.now(),
    } as const;
    const envelope = Buffer.from(signEnvelope('join', join, [keys.signing]));
    return channel.join({ token: secret, envelope }, signal);
  });
  await folder.keep(keys, enrolled);
  return {
    words: fingerprintWords(keys.signing.publicKey),
    root: digestOf(new X509Certificate(rootPem).raw),
    roster: digestOf(enrolled.roster),
    notAfterMs: enrolled.notAfterMs,
  };
}
