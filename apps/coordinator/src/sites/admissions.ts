import { decodePublicKey, fingerprintWords } from '@consilium/identity';
import type { CoordinatorEvent } from '@consilium/ledger';
import { Fault, type Clock, type SiteName } from '@consilium/stdx';
import type { Ledger } from '../ledger/ledger.js';
import type { SerialQueue } from '../runs/queue.js';
import type { SiteCertificates } from './certificates.js';
import type { SiteRegister } from './register.js';
import { requireAllowedChange } from './roster-rules.js';
import { recordOf, signedRoster, type Rosters, type SignedRoster } from './rosters.js';
import type { Admission, EnrolmentRecord, EnrolmentStore } from './store.js';

/** A request that waits for an admin, with the six words to compare by telephone. */
export interface PendingEnrolment extends Pick<
  EnrolmentRecord,
  'site' | 'kind' | 'signing' | 'jurisdiction' | 'askedMs'
> {
  readonly fingerprint: string;
}

/** What admins decide about requests and about the roster, one thing after the other. */
export class Admissions {
  constructor(
    private readonly parts: {
      readonly rootPem: string;
      readonly store: EnrolmentStore;
      readonly certificates: SiteCertificates;
      readonly register: SiteRegister;
      readonly rosters: Rosters;
      readonly ledger: Ledger;
      readonly clock: Clock;
      /** One for everything that decides who belongs: see `SiteDesk`. */
      readonly queue: SerialQueue;
    },
  ) {}

  async pending(): Promise<readonly PendingEnrolment[]> {
    return (await this.parts.store.pending()).map(({ site, kind, signing, jurisdiction, askedMs }) => ({
      site,
      kind,
      signing,
      jurisdiction,
      askedMs,
      fingerprint: fingerprintWords(decodePublicKey(signing)),
    }));
  }

  /**
   * Lets a site in with the roster that the root has signed for it. The roster admits exactly the key that is pending,
   * so that a request which came after the fingerprint was compared is not the one that gets in. The same roster twice
   * admits once. Faults: NOT_FOUND for no pending request, ROSTER_INVALID, those of `openRoster`, and CSR_INVALID.
   */
  admit(site: SiteName, document: Uint8Array): Promise<void> {
    return this.parts.queue.run(async () => {
      const { store, certificates, register, rosters, clock } = this.parts;
      const roster = signedRoster(document, this.parts.rootPem);
      const enrolment = await store.find(site);
      if (enrolment?.state === 'admitted' && roster.digest === rosters.current.digest) return;
      if (enrolment?.state !== 'pending') throw new Fault('NOT_FOUND', { site, expected: 'a pending request' });
      const { signing, jurisdiction, kind, signer } = enrolment;
      requireAllowedChange(rosters.current, roster, {
        admits: { name: site, signing, jurisdiction },
        mayLeave: register.revoked,
      });

      register.admitting(site);
      const certificate = await certificates.make(site, enrolment.csr, kind);
      await this.#install(roster, [{ type: 'site.admitted', site, signing: signer }, certificate.event], {
        enrolment: { ...enrolment, certificate: certificate.chain },
        certificate: certificate.record,
      });
      register.admitted(certificate.record, kind, clock.now());
    });
  }

  /** NOT_FOUND for no pending request. */
  refuse(site: SiteName): Promise<void> {
    return this.parts.queue.run(async () => {
      const { store } = this.parts;
      const enrolment = await store.find(site);
      if (enrolment?.state !== 'pending') throw new Fault('NOT_FOUND', { site, expected: 'a pending request' });
      await store.refuse(enrolment);
    });
  }

  /**
   * Puts a roster in force that changes people, or leaves out sites that are revoked. The same one twice is one. Faults:
   * ROSTER_INVALID, and those of `openRoster`.
   */
  install(document: Uint8Array): Promise<SignedRoster> {
    return this.parts.queue.run(async () => {
      const { register, rosters } = this.parts;
      const roster = signedRoster(document, this.parts.rootPem);
      if (roster.digest === rosters.current.digest) return rosters.current;
      requireAllowedChange(rosters.current, roster, { mayLeave: register.revoked });
      await this.#install(roster, []);
      return roster;
    });
  }

  async #install(roster: SignedRoster, also: readonly CoordinatorEvent[], admission?: Admission): Promise<void> {
    const { store, rosters, ledger, clock } = this.parts;
    await ledger.document(roster.document);
    const signed = { type: 'roster.signed', version: roster.roster.version, roster: roster.digest } as const;
    await store.install(recordOf(roster, clock.now()), ledger.seal([signed, ...also]), admission);
    ledger.stored();
    rosters.replace(roster);
  }
}
