import {
  certificateFacts,
  decodeBase64,
  peerOf,
  readRequest,
  verifyChain,
  type CertificateIssuer,
} from '@consilium/identity';
import type { CoordinatorEvent } from '@consilium/ledger';
import { Fault, type Clock, type Digest, type SiteName } from '@consilium/stdx';
import type { Ledger } from '../ledger/ledger.js';
import { REVIVED_MS, type SiteRegister } from './register.js';
import type { CertificateRecord, EnrolmentRecord, EnrolmentStore } from './store.js';

/** Certificates of one site that are good at one time; a site needs two while it changes them. */
const VALID_MAX = 48;

/** A certificate before anybody has it: what is to be stored and written down first. */
export interface NewCertificate {
  /** The certificate and the intermediate's, PEM. */
  readonly chain: string;
  readonly record: CertificateRecord;
  readonly event: CoordinatorEvent;
}

/** Issues certificates to sites, through whatever issuer the federation has, and writes each down before it is given out. */
export class SiteCertificates {
  constructor(
    private readonly parts: {
      readonly issuer: CertificateIssuer;
      readonly rootPem: string;
      readonly federation: string;
      readonly store: EnrolmentStore;
      readonly register: SiteRegister;
      readonly ledger: Pick<Ledger, 'seal' | 'stored'>;
      readonly clock: Clock;
    },
  ) {}

  /**
   * Makes a certificate for a request (PKCS #10, base64). Whoever issued it, it must be good here, and for this site's
   * key. Faults: CSR_INVALID, also for another site's TLS key; OVERLOADED for a site that has very many; what the issuer
   * throws, and CERTIFICATE_INVALID where its answer is not what was asked for.
   */
  async make(site: SiteName, csr: string, reason: 'join' | 'renew' | 'rekey'): Promise<NewCertificate> {
    const { issuer, register, clock } = this.parts;
    const now = clock.now();
    const request = decodeBase64(csr, 'CSR_INVALID');
    const { spki } = readRequest(request);
    const known = register.certificateOf(spki);
    if (known && known.site !== site) throw new Fault('CSR_INVALID', { expected: 'a key of the site’s own' });
    const valid = register.certificatesOf(site).filter(({ notAfterMs }) => notAfterMs >= now);
    if (valid.length >= VALID_MAX) throw new Fault('OVERLOADED', { certificatesMax: VALID_MAX });

    const leaf = await issuer.issue({ subject: { kind: 'site', name: site }, csr: request, now });
    const notAfter = this.#requireAsked(leaf.chainPem, { site, spki, now });
    return {
      chain: leaf.chainPem,
      record: { spki, site, notAfterMs: notAfter },
      event: { type: 'cert.issued', site, spki, notAfter, reason },
    };
  }

  /** Stores a certificate, as the answer to a request if there is one; from then on its holder is let in. */
  async keep({ record, event }: NewCertificate, enrolment?: EnrolmentRecord): Promise<void> {
    const { store, register, ledger, clock } = this.parts;
    const now = clock.now();
    await store.issue(record, ledger.seal([event]), { endedMs: now - REVIVED_MS, ...(enrolment && { enrolment }) });
    ledger.stored();
    register.issued(record, now);
  }

  /** Throws CERTIFICATE_LAPSED for a site whose newest certificate ended more than 30 days ago. */
  requireRevivable(site: SiteName): void {
    const { register, clock } = this.parts;
    const ends = register.certificatesOf(site).map(({ notAfterMs }) => notAfterMs);
    const last = Math.max(...ends);
    if (last + REVIVED_MS < clock.now()) throw new Fault('CERTIFICATE_LAPSED', { site, revivedMsMax: REVIVED_MS });
  }

  /** Reads everything from the certificate itself: an outside issuer's word about it counts for nothing. */
  #requireAsked(chainPem: string, asked: { site: SiteName; spki: Digest; now: number }): number {
    const { rootPem, federation } = this.parts;
    const leaf = verifyChain({ chainPem, rootPem, now: asked.now });
    const peer = peerOf(leaf, federation, asked.now);
    const { publicKeyPin, notAfter } = certificateFacts(leaf);
    if (peer.kind !== 'site' || peer.name !== asked.site || publicKeyPin !== asked.spki) {
      throw new Fault('CERTIFICATE_INVALID', { expected: 'the asked site and key' });
    }
    return notAfter;
  }
}
