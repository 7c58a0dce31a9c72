import { issueServerLeaf, verifyChain, type Leaf } from '@consilium/identity';
import type { Clock, Digest } from '@consilium/stdx';
import type { TlsFiles } from '@consilium/wire';
import type { Ledger } from '../ledger/ledger.js';
import type { Log } from '../log.js';
import type { CoordinatorIdentity } from './identity-folder.js';

/** A timer sleeps while the machine does, so the clock is asked this often. */
const LOOK_MS = 10 * 60_000;
/** After a failure. */
const RETRY_MS = 60_000;

interface Parts {
  readonly identity: Pick<CoordinatorIdentity, 'rootPem' | 'intermediate'>;
  readonly federation: string;
  /** Names and addresses under which agents dial, for tools that look at them. */
  readonly hosts: readonly string[];
  readonly ledger: Pick<Ledger, 'record'>;
  readonly clock: Clock;
  readonly log: Log;
}

type Own = Leaf & { readonly privateKeyPem: string };

/**
 * The coordinator's own certificate: made at the start and again at two thirds of its life, each time with a new key that
 * is never on a disk, and written down before anybody sees it.
 */
export class OwnCertificate {
  #issued: Own;
  #renewAtMs: number;
  #stop = (): void => {};

  private constructor(
    issued: Own,
    private readonly parts: Parts,
  ) {
    this.#issued = issued;
    this.#renewAtMs = renewalOf(issued, parts.clock.now());
  }

  /** Faults: CERTIFICATE_INVALID and PEER_CERTIFICATE_FOREIGN for an intermediate that the root does not stand behind. */
  static async issue(parts: Parts): Promise<OwnCertificate> {
    return new OwnCertificate(await make(parts, 'start'), parts);
  }

  get files(): TlsFiles {
    const { chainPem, privateKeyPem } = this.#issued;
    return { ca: this.parts.identity.rootPem, certificate: chainPem, privateKey: privateKeyPem };
  }

  get spki(): Digest {
    return this.#issued.spki;
  }

  /** Renews it in time from now on and hands each new one to `use`. */
  keepFresh(use: (files: TlsFiles) => void): void {
    const { clock, log } = this.parts;
    const look = async (): Promise<void> => {
      let waitMs = LOOK_MS;
      if (clock.now() >= this.#renewAtMs) {
        try {
          await this.#renew();
          use(this.files);
        } catch (err) {
          log.error({ err }, 'the coordinator’s certificate could not be renewed; trying again');
          waitMs = RETRY_MS;
        }
      }
      if (this.#stop !== STOPPED) this.#stop = clock.after(waitMs, () => void look());
    };
    this.#stop = clock.after(LOOK_MS, () => void look());
  }

  close(): void {
    this.#stop();
    this.#stop = STOPPED;
  }

  async #renew(): Promise<void> {
    this.#issued = await make(this.parts, 'renew');
    this.#renewAtMs = renewalOf(this.#issued, this.parts.clock.now());
    this.parts.log.info({ notAfter: new Date(this.#issued.notAfter) }, 'own certificate renewed');
  }
}

const STOPPED = (): void => {};

async function make(parts: Parts, reason: 'start' | 'renew'): Promise<Own> {
  const { identity, federation, hosts, ledger, clock } = parts;
  const { intermediate, rootPem } = identity;
  const now = clock.now();
  const own = await issueServerLeaf({ intermediate, federation, subject: { kind: 'coordinator' }, hosts, now });
  verifyChain({ chainPem: own.chainPem, rootPem, now });
  const { spki, notAfter } = own;
  await ledger.record({ type: 'cert.issued', site: null, spki, notAfter, reason });
  return own;
}

/** Two thirds of the way to the end. */
const renewalOf = ({ notAfter }: Leaf, now: number): number => now + ((notAfter - now) * 2) / 3;
