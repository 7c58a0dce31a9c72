import { ChannelCredentials } from '@grpc/grpc-js';
import { certificateFacts } from '@consilium/identity';
import { Fault, type Digest } from '@consilium/stdx';
import { openClients, type Traffic } from './clients.js';
import { coordinatorCheck, diagnose, secureContextOf, type CoordinatorIdentity } from './coordinator-identity.js';
import type { TlsFiles } from './hub-credentials.js';
import type { HelloInit, UploadReceipt, Welcome } from './messages.js';
import { helloOf, requireVersion } from './protocol.js';
import { download, type DownloadJob } from './site-download.js';
import { openSession, type Session } from './site-session.js';
import { upload, type UploadJob } from './site-upload.js';
import { unary } from './unary.js';

export interface SiteChannelOptions extends TlsFiles, CoordinatorIdentity {
  /** `HOST:PORT`, an IPv6 address in brackets. */
  readonly address: string;
  readonly keepaliveMs?: number;
  /** The release of this program, told when it greets. */
  readonly software?: string;
  readonly limits?: Partial<ChannelLimits>;
}

export interface ChannelLimits {
  /** How long a question may go unanswered. */
  readonly answerMs: number;
  /** How long a transfer may stand still. */
  readonly idleMs: number;
}

/** A site's connection to its coordinator, made when it is first used and made again when it broke. */
export interface SiteChannel {
  /** Asks whether both sides understand each other. PROTOCOL_VERSION_UNSUPPORTED if not. */
  greet(signal?: AbortSignal): Promise<Welcome>;
  openSession(hello: HelloInit, options?: { signal?: AbortSignal }): Session;
  /** A model's bytes, verified; see {@link download}. */
  download(job: DownloadJob & { digest: Digest }): Promise<Uint8Array>;
  /** One attempt to send an update, going on where an earlier one broke; see {@link upload}. */
  upload(job: UploadJob): Promise<UploadReceipt>;
  /** Bytes of messages sent and received since the channel was opened. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  close(): void;
}

const LIMITS: ChannelLimits = { answerMs: 10_000, idleMs: 60_000 };
const KEEPALIVE_MS = 10_000;

/**
 * Opens a channel that speaks to nobody but this federation's coordinator: mutual TLS 1.3, the authority's chain, the
 * coordinator's SPIFFE id and purpose, and its key where a pin is given. Throws CERTIFICATE_INVALID unless the files
 * are a site's of this federation, REQUEST_INVALID for an address of another form.
 */
export function siteChannel(options: SiteChannelOptions): SiteChannel {
  const { host, port } = addressOf(options.address);
  requireSite(options);
  const limits = { ...LIMITS, ...options.limits };
  const context = secureContextOf(options);
  const check = coordinatorCheck(options);
  const traffic: Traffic = { up: 0, down: 0 };
  const credentials = ChannelCredentials.createFromSecureContext(context, { checkServerIdentity: check });
  const clients = openClients(`dns:${options.address}`, credentials, traffic, options.keepaliveMs ?? KEEPALIVE_MS);

  const explain = (fault: Fault): Promise<Fault> => diagnose(fault, { host, port, context, check });
  const explained = <T>(work: Promise<T>): Promise<T> =>
    work.catch(async (error: unknown) => {
      throw await explain(Fault.from(error));
    });

  return {
    greet: (signal) =>
      explained(
        unary<Welcome>(
          (call, done) => clients.sites.Greet(helloOf(options.software ?? ''), call, done),
          limits.answerMs,
          signal,
        ).then((welcome) => {
          requireVersion(welcome);
          return welcome;
        }),
      ),
    openSession: (hello, { signal } = {}) =>
      openSession(clients.rounds.Session(), hello, {
        helloMs: limits.answerMs,
        diagnose: explain,
        ...(signal && { signal }),
      }),
    download: (job) => explained(download(clients.models, job, limits.idleMs)),
    upload: (job) => explained(upload(clients.updates, job, limits)),
    get bytesUp() {
      return traffic.up;
    },
    get bytesDown() {
      return traffic.down;
    },
    close: () => clients.close(),
  };
}

function addressOf(address: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65_535)
    throw new Fault('REQUEST_INVALID', { field: 'address', expected: 'HOST:PORT' });
  return { host: match[1] ?? match[2]!, port };
}

/** The authority's file must be of this federation too, or every later refusal would puzzle. */
function requireSite({ ca, certificate, federation }: SiteChannelOptions): void {
  const own = certificateFacts(certificate).spiffe;
  if (!own.startsWith(`spiffe://${federation}/site/`)) {
    throw new Fault('CERTIFICATE_INVALID', { expected: `spiffe://${federation}/site/…`, came: own });
  }
  const authority = certificateFacts(ca).spiffe;
  if (authority !== `spiffe://${federation}`) {
    throw new Fault('CERTIFICATE_INVALID', { expected: `spiffe://${federation}`, came: authority });
  }
}
