import { encodePublicKey, fingerprintWords, openRoster, signEnvelope } from '@consilium/identity';
import { stayAwake } from '@consilium/machine';
import { Fault, type Clock, type SiteName } from '@consilium/stdx';
import type { EnrolmentChannel } from '@consilium/wire';
import { passes, pause } from '../backoff.js';
import type { Enrolled, IdentityFolder, Keys } from './folder.js';
import { newNonce } from './nonce.js';
import { requireOwnLeaf } from './own-leaf.js';

export type Reply = Awaited<ReturnType<EnrolmentChannel['collect']>>;

/** A request for keys that an administrator has to admit: the first ones of a site, or others in their place. */
export interface Asking {
  readonly federation: string;
  readonly site: SiteName;
  readonly rootPem: string;
  readonly folder: IdentityFolder;
  readonly channel: Pick<EnrolmentChannel, 'collect'>;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly signal: AbortSignal;
  /** Told once the coordinator holds the request: an administrator now compares these words. */
  readonly onPending: (words: string) => void;
}

/** How long the site waits before it asks whether it was admitted: not long at first, and ever longer. */
const ASK_MS = { first: 100, growth: 1.25, max: 2_000 } as const;

/**
 * Hands a request in, unless the coordinator has it already, and waits until an administrator has compared the six
 * words. Killed and started again it goes on with the same keys; refused, it forgets them.
 *
 * Faults: those of `hand`, ENROLMENT_REFUSED, ROSTER_INVALID or CERTIFICATE_INVALID for an answer that is not what it
 * should be, CANCELLED.
 */
export async function admission(
  keys: Keys & { readonly resumed: boolean },
  asking: Asking,
  hand: () => Promise<Reply>,
): Promise<Enrolled & { readonly notAfterMs: number }> {
  const { clock, signal, folder, rootPem, onPending } = asking;
  const sleep = stayAwake(); // nothing else holds a command that waits for people
  try {
    // A request whose answer was lost is there already, so what is asked first is whether it is.
    let reply = (keys.resumed && (await askUnlessUnknown(keys, asking))) || (await hand());
    if (reply.state === 'pending') onPending(fingerprintWords(keys.signing.publicKey));
    for (let waitMs: number = ASK_MS.first; reply.state === 'pending'; waitMs *= ASK_MS.growth) {
      await pause(Math.min(Math.round(waitMs), ASK_MS.max), clock, signal);
      reply = await askAgain(keys, asking, reply);
    }
    const { certificate: certificatePem, roster } = reply;
    const enrolled = { rootPem, certificatePem, roster: new Uint8Array(roster) };
    return { ...enrolled, notAfterMs: requireOwn(keys, enrolled, asking) };
  } catch (error) {
    if (Fault.is(error, 'ENROLMENT_REFUSED')) await folder.forget();
    throw error;
  } finally {
    sleep();
  }
}

/** Asks whether the keys are admitted, with a fresh nonce, so that no answer and no question can be played again. */
function collect({ signing }: Keys, { federation, site, channel, clock, signal }: Asking): Promise<Reply> {
  const question = {
    schema: 'consilium.collect/1',
    federation,
    site,
    atMs: clock.now(),
    nonce: newNonce(),
  } as const;
  return channel.collect(signEnvelope('collect', question, [signing]), signal);
}

async function askUnlessUnknown(keys: Keys, asking: Asking): Promise<Reply | undefined> {
  try {
    return await collect(keys, asking);
  } catch (error) {
    if (Fault.is(error, 'SIGNATURE_INVALID')) return undefined; // nobody has asked with this key yet
    throw error;
  }
}

/** The coordinator may be restarting while people compare words: the wait goes on. */
async function askAgain(keys: Keys, asking: Asking, last: Reply): Promise<Reply> {
  try {
    return await collect(keys, asking);
  } catch (error) {
    if (!asking.signal.aborted && passes(error)) return last;
    throw error;
  }
}

/** What came must be of the known root, this site's, for the keys that were just made, and known to the roster. */
function requireOwn({ signing, privateKeyPem }: Keys, { certificatePem, roster }: Enrolled, asking: Asking): number {
  const { federation, site, rootPem, clock } = asking;
  const leaf = requireOwnLeaf({ certificatePem, privateKeyPem }, { site, federation, rootPem, now: clock.now() });
  const listed = openRoster(roster, rootPem).sites.find(({ name }) => name === site);
  if (listed?.signing !== encodePublicKey(signing.publicKey)) {
    throw new Fault('ROSTER_INVALID', { expected: 'this site with the key that it made' });
  }
  return Date.parse(leaf.validTo);
}
