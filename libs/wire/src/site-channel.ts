import { certificateFacts } from '@consilium/identity';
import { Fault, type Digest } from '@consilium/stdx';
import { addressOf } from './address.js';
import type { Traffic } from './clients.js';
import { coordinatorCheck, secureContextOf, type CoordinatorIdentity } from './coordinator-identity.js';
import type { TlsFiles } from './hub-credentials.js';
import type { HelloInit, UploadReceipt, Welcome } from './messages.js';
import { helloOf, requireVersion } from './protocol.js';
import { download, type DownloadJob } from './site-download.js';
import { Line } from './site-line.js';
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
  /**
   * Uses this certificate for what begins from now on, over a connection of its own. What runs already ends on the old
   * connection, which then closes; an open session is to be opened anew, or it ends with the old certificate. Throws
   * CERTIFICATE_INVALID, and changes nothing then, unless the files are of the same site.
   */
  replaceCertificate(files: TlsFiles): void;
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
  const address = addressOf(options.address);
  const limits = { ...LIMITS, ...options.limits };
  const traffic: Traffic = { up: 0, down: 0 };
  const check = coordinatorCheck(options);
  const lineWith = (files: TlsFiles): Line => {
    requireSite(files, options.federation);
    const target = { ...address, context: secureContextOf(files), check };
    return new Line(target, traffic, options.keepaliveMs ?? KEEPALIVE_MS);
  };
  const site = certificateFacts(options.certificate).spiffe;
  let line = lineWith(options);
  const retiring = new Set<Line>();

  return {
    greet: (signal) =>
      line.run(async ({ sites }) => {
        const welcome = await unary<Welcome>(
          (call, done) => sites.Greet(helloOf(options.software ?? ''), call, done),
          limits.answerMs,
          signal,
        );
        requireVersion(welcome);
        return welcome;
      }),
    openSession(hello, { signal } = {}) {
      const own = line;
      const call = own.clients.rounds.Session();
      call.once('status', own.hold());
      return openSession(call, hello, {
        helloMs: limits.answerMs,
        diagnose: (fault) => own.explain(fault),
        ...(signal && { signal }),
      });
    },
    download: (job) => line.run(({ models }) => download(models, job, limits.idleMs)),
    upload: (job) => line.run(({ updates }) => upload(updates, job, limits)),
    replaceCertificate(files) {
      const { spiffe } = certificateFacts(files.certificate);
      if (spiffe !== site) throw new Fault('CERTIFICATE_INVALID', { expected: site, came: spiffe });
      const [old, next] = [line, lineWith(files)];
      line = next;
      retiring.add(old);
      old.retire(() => retiring.delete(old));
    },
    get bytesUp() {
      return traffic.up;
    },
    get bytesDown() {
      return traffic.down;
    },
    close() {
      for (const each of [...retiring, line]) each.close();
    },
  };
}

/** The root must be of this federation too, or every later refusal would puzzle. */
function requireSite({ ca, certificate }: TlsFiles, federation: string): void {
  const own = certificateFacts(certificate).spiffe;
  if (!own.startsWith(`spiffe://${federation}/site/`)) {
    throw new Fault('CERTIFICATE_INVALID', { expected: `spiffe://${federation}/site/…`, came: own });
  }
  const authority = certificateFacts(ca).spiffe;
  if (authority !== `spiffe://${federation}`) {
    throw new Fault('CERTIFICATE_INVALID', { expected: `spiffe://${federation}`, came: authority });
  }
}
