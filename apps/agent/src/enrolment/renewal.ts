import { encodeBase64, newRequest, signEnvelope } from '@consilium/identity';
import { digestOf, Fault, type Clock, type Digest, type SiteName } from '@consilium/stdx';
import type { EnrolmentChannel } from '@consilium/wire';
import { delayAfter, pause } from '../backoff.js';
import { isFatal, ownState } from '../fatal.js';
import type { Identity } from '../identity.js';
import type { Log } from '../log.js';
import { changeIdentity } from './change.js';
import { newNonce } from './nonce.js';
import { lifeOf, requireOwnLeaf, type Pair } from './own-leaf.js';

export interface RenewalPorts {
  readonly site: SiteName;
  readonly federation: string;
  readonly identity: Pick<Identity, 'rootPem' | 'signing'> & Pair;
  /** The identity folder. */
  readonly folder: string;
  readonly channel: Pick<EnrolmentChannel, 'renew'>;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly random: () => number;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Told before the request leaves; writes it to the site's log. */
  readonly sending: (request: Uint8Array) => Promise<void>;
  /** Told before the certificate is kept or used; writes it to the site's log. */
  readonly record: (renewed: { readonly spki: Digest; readonly notAfter: number }) => Promise<void>;
  /** From here on connections are opened with this pair. */
  readonly use: (pair: Pair) => void;
}

/** Renewals that fail are tried again soon, and not so often that a coordinator that starts again is beaten. */
const AGAIN = { firstMs: 2_000, maxMs: 300_000 } as const;
/** How often the clock on the wall is looked at: timers stand still while a machine sleeps, certificates do not. */
const LOOK_MS = 600_000;

/**
 * Keeps the site's certificate young until the signal aborts: at two thirds of its life it asks for one for a new key.
 * The request is signed with the enrolled signing key and needs no certificate at all, so a site that was away for a
 * long weekend comes back by itself, and whoever stole a leaf alone renews nothing.
 *
 * `ready` settles with the first certificate that is good now, or with the end. `ended` rejects with what must stop the
 * agent.
 */
export function keepRenewed(ports: RenewalPorts, signal: AbortSignal): { ready: Promise<void>; ended: Promise<void> } {
  let becomeReady!: () => void;
  const good = new Promise<void>((resolve) => (becomeReady = resolve));
  const ended = watch(ports, signal, becomeReady);
  const ready = Promise.race([good, ended]);
  ready.catch(() => {}); // `ended` tells the same
  return { ready, ended };
}

async function watch(ports: RenewalPorts, signal: AbortSignal, becomeReady: () => void): Promise<void> {
  const { clock, log, random } = ports;
  let pair: Pair = ports.identity;
  for (let failures = 0; !signal.aborted;) {
    const { dueMs, notAfterMs } = lifeOf(pair.certificatePem);
    const now = clock.now();
    if (now < notAfterMs) becomeReady();
    const waitMs = failures > 0 ? delayAfter(failures, AGAIN, random) : Math.min(dueMs - now, LOOK_MS);
    if (waitMs > 0) await pause(waitMs, clock, signal).catch(() => {}); // aborted: the loop's condition ends it
    if (signal.aborted) return;
    if (clock.now() < dueMs) continue;
    try {
      pair = await renew(ports, signal);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (isFatal(error)) throw error;
      failures += 1;
      log.warn({ code: Fault.from(error).code, failures }, 'the certificate is not renewed yet; trying again');
    }
  }
}

/** One renewal: asked, checked, written in the log, kept on disk, used. */
export async function renew(ports: RenewalPorts, signal: AbortSignal): Promise<Pair> {
  const { site, federation, identity, channel, clock, folder, log } = ports;
  const { csr, privateKeyPem } = await newRequest();
  const request = {
    schema: 'consilium.renew/1',
    federation,
    site,
    csr: encodeBase64(csr),
    atMs: clock.now(),
    nonce: newNonce(),
  } as const;
  const envelope = signEnvelope('renew', request, [identity.signing]);
  await ports.sending(envelope);
  const { certificate } = await channel.renew(envelope, signal);
  const pair = { certificatePem: certificate, privateKeyPem };
  const leaf = requireOwnLeaf(pair, { site, federation, rootPem: identity.rootPem, now: clock.now() });
  const notAfter = Date.parse(leaf.validTo);
  const spki = digestOf(leaf.publicKey.export({ type: 'spki', format: 'der' }));
  // In the log first: no certificate is ever used of which it does not know.
  await ports.record({ spki, notAfter });
  await ownState(changeIdentity(folder, { certificate, privateKey: privateKeyPem }));
  ports.use(pair);
  log.info({ notAfter }, 'certificate renewed');
  return pair;
}
