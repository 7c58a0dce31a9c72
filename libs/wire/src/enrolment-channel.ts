import { createSecureContext, type SecureContext } from 'node:tls';
import { certificateFacts, peerOf, verifyChain } from '@consilium/identity';
import { Fault, type Digest } from '@consilium/stdx';
import { addressOf, type Address } from './address.js';
import type { Clients } from './clients.js';
import { coordinatorCheck } from './coordinator-identity.js';
import { sha256, shownChain, strangerFault } from './interception.js';
import type { EnrolmentReply, JoinRequestInit } from './messages.js';
import { Line } from './site-line.js';
import { unary } from './unary.js';

/** How first contact is pinned: by the root itself, or by the SHA-256 of its DER bytes, as a one-time token has it. */
export type RootPin = { readonly root: string } | { readonly rootDigest: Digest };

export type EnrolmentChannelOptions = RootPin & {
  /** `HOST:PORT`, an IPv6 address in brackets. */
  readonly address: string;
  /** How long a question may go unanswered. */
  readonly answerMs?: number;
  /** UTC milliseconds. */
  readonly now?: () => number;
};

/** Where a site goes before it has a certificate, or after its last one has lapsed. It shows none here. */
export interface EnrolmentChannel {
  /**
   * The federation's root as PEM text: the one given, or the one that has the pinned SHA-256 once the coordinator at this
   * address has proved that its chain leads there. Faults: ROOT_PIN_MISMATCH, TLS_INTERCEPTED, PEER_CERTIFICATE_FOREIGN, UNAVAILABLE, TIMEOUT.
   */
  root(): Promise<string>;
  /** The secret of a one-time token, and the envelope that the new signing key has signed. */
  join(request: JoinRequestInit, signal?: AbortSignal): Promise<EnrolmentReply>;
  collect(envelope: Uint8Array, signal?: AbortSignal): Promise<EnrolmentReply>;
  renew(envelope: Uint8Array, signal?: AbortSignal): Promise<EnrolmentReply>;
  rekey(envelope: Uint8Array, signal?: AbortSignal): Promise<EnrolmentReply>;
  close(): void;
}

const ANSWER_MS = 10_000;
const PROBE_MS = 3_000;
const KEEPALIVE_MS = 10_000;

/**
 * Opens a channel to a federation's coordinator without a certificate of one's own. Each of its connections is verified
 * up to the pinned root; nothing is sent, and no secret leaves, before. Throws REQUEST_INVALID for an address of another
 * form and CERTIFICATE_INVALID for a root that cannot be read.
 */
export function enrolmentChannel(options: EnrolmentChannelOptions): EnrolmentChannel {
  const { answerMs = ANSWER_MS, now = Date.now } = options;
  const meet = acquaintance(addressOf(options.address), options, now);
  let line: Line | undefined;
  let isClosed = false;

  const ask = async (
    question: (clients: Clients, ...rest: AskArguments) => ReturnType<Ask>,
    signal: AbortSignal | undefined,
  ): Promise<EnrolmentReply> => {
    ({ line } = await meet());
    if (isClosed) {
      line.close();
      throw new Fault('CANCELLED');
    }
    return line.run(async (clients) =>
      requireReply(await unary<EnrolmentReply>((call, done) => question(clients, call, done), answerMs, signal)),
    );
  };
  const signed = (envelope: Uint8Array): { envelope: Buffer } => ({ envelope: Buffer.from(envelope) });

  return {
    root: async () => (await meet()).root,
    join: (request, signal) => ask(({ enrolment }, call, done) => enrolment.Join(request, call, done), signal),
    collect: (envelope, signal) =>
      ask(({ enrolment }, call, done) => enrolment.Collect(signed(envelope), call, done), signal),
    renew: (envelope, signal) =>
      ask(({ enrolment }, call, done) => enrolment.Renew(signed(envelope), call, done), signal),
    rekey: (envelope, signal) =>
      ask(({ enrolment }, call, done) => enrolment.Rekey(signed(envelope), call, done), signal),
    close() {
      isClosed = true;
      line?.close();
    },
  };
}

type Ask = Parameters<typeof unary<EnrolmentReply>>[0];
type AskArguments = Parameters<Ask>;

/** A root that is trusted, and the line on which it vouches for the other side. */
interface Meeting {
  readonly root: string;
  readonly line: Line;
}

/** Meets the coordinator once: at its first success, or at once where the root is given. */
function acquaintance(address: Address, pin: RootPin, now: () => number): () => Promise<Meeting> {
  if ('root' in pin) {
    const met = meeting(address, pin.root);
    return () => Promise.resolve(met);
  }
  const { rootDigest } = pin;
  let met: Promise<Meeting> | undefined;
  return () =>
    (met ??= fetchRoot(address, rootDigest, now)
      .then((root) => meeting(address, root))
      .catch((error: unknown) => {
        met = undefined; // The next call looks again: the trouble may have passed.
        throw error;
      }));
}

function meeting(address: Address, root: string): Meeting {
  const check = coordinatorCheck({ federation: federationOf(root) });
  return { root, line: new Line({ ...address, context: guestContext(root), check }, { up: 0, down: 0 }, KEEPALIVE_MS) };
}

/**
 * Asks the coordinator for its chain, which it sends with the root at its end, and takes the root for what it says only
 * if it has the pinned digest and if everything below it is signed by it.
 */
async function fetchRoot(address: Address, pin: Digest, now: () => number): Promise<string> {
  const chain = await shownChain(address, PROBE_MS);
  const at = chain.findIndex((certificate) => sha256(certificate) === pin);
  if (at < 0) throw strangerFault(chain, new Fault('ROOT_PIN_MISMATCH'));
  const root = pemOf(chain[at]!);
  try {
    const leaf = verifyChain({ chainPem: chain.slice(0, at).map(pemOf).join(''), rootPem: root, now: now() });
    const peer = peerOf(leaf, federationOf(root));
    if (peer.kind !== 'coordinator') throw new Fault('PEER_NOT_THE_COORDINATOR');
  } catch (error) {
    throw strangerFault(chain, Fault.from(error));
  }
  return root;
}

/** The federation whose root this is; CERTIFICATE_INVALID for any other certificate. */
function federationOf(root: string): string {
  const federation = /^spiffe:\/\/([^/]+)$/.exec(certificateFacts(root).spiffe)?.[1];
  if (federation === undefined) throw new Fault('CERTIFICATE_INVALID', { expected: 'the root of a federation' });
  return federation;
}

function guestContext(root: string): SecureContext {
  try {
    return createSecureContext({ ca: root, minVersion: 'TLSv1.3' });
  } catch (error) {
    throw new Fault('CERTIFICATE_INVALID', {}, error);
  }
}

function requireReply(reply: EnrolmentReply): EnrolmentReply {
  if (reply.state === 'pending' || reply.state === 'admitted') return reply;
  throw new Fault('MESSAGE_MALFORMED', { field: 'state' });
}

/** A certificate as PEM text (RFC 7468), in lines of 64 characters. */
const pemOf = (der: Uint8Array): string => {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
};
