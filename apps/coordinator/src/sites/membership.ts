import { builtInIssuer, type CertificateIssuer } from '@consilium/identity';
import type { Clock } from '@consilium/stdx';
import type { Ledger } from '../ledger/ledger.js';
import { SerialQueue } from '../runs/queue.js';
import { Admissions } from './admissions.js';
import { SiteCertificates } from './certificates.js';
import { Enrolment } from './enrolment.js';
import { EnrolledLedger } from './enrolled-ledger.js';
import { Freshness } from './freshness.js';
import type { CoordinatorIdentity } from './identity-folder.js';
import { Invitations } from './invitations.js';
import { Refusals } from './refusals.js';
import { SiteRegister } from './register.js';
import { Revocations } from './revocations.js';
import { newestOf, recordOf, Rosters } from './rosters.js';
import type { EnrolmentStore } from './store.js';

/** What the enrolment of sites needs from the rest of the coordinator. */
export interface EnrolmentWorld {
  readonly federation: string;
  readonly identity: CoordinatorIdentity;
  readonly store: EnrolmentStore;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** The built-in authority unless the federation has another one. */
  readonly issuer?: CertificateIssuer;
}

/** Who belongs to the federation, from the stored state; a newer roster in the identity folder is put in force first. */
export class Membership {
  private constructor(
    readonly world: EnrolmentWorld,
    readonly rosters: Rosters,
    readonly register: SiteRegister,
  ) {}

  static async open(world: EnrolmentWorld): Promise<Membership> {
    const { identity, store, ledger, clock } = world;
    const { roster, isNew } = newestOf(identity.roster, await store.roster(), identity.rootPem);
    if (isNew) {
      await ledger.document(roster.document);
      const event = { type: 'roster.signed', version: roster.roster.version, roster: roster.digest } as const;
      await store.install(recordOf(roster, clock.now()), ledger.seal([event]));
      ledger.stored();
    }
    const rosters = new Rosters(roster);
    const register = await SiteRegister.open(rosters, store);
    const enrolled = new EnrolledLedger(ledger, () => register.names);
    return new Membership({ ...world, ledger: enrolled }, rosters, register);
  }

  /**
   * The parts that invite, admit, serve and shut out sites, around one queue. `address` is HOST:PORT under which agents
   * reach this coordinator; it is asked for once that listens.
   */
  desks(address: () => string): SiteDesks {
    const { federation, identity, clock, ledger, issuer } = this.world;
    const { rootPem, rootDigest, intermediate } = identity;
    const queue = new SerialQueue();
    const parts = { ...this.world, rosters: this.rosters, register: this.register, queue, rootPem, rootDigest };
    const certificates = new SiteCertificates({
      ...parts,
      issuer: issuer ?? builtInIssuer({ intermediate, federation }),
    });
    const invitations = new Invitations({ ...parts, address });
    return {
      invitations,
      admissions: new Admissions({ ...parts, certificates }),
      revocations: new Revocations(parts),
      enrolment: new Enrolment({
        ...parts,
        invitations,
        certificates,
        freshness: new Freshness(parts.store, clock),
        refusals: new Refusals(ledger, clock),
      }),
    };
  }
}

export interface SiteDesks {
  readonly invitations: Invitations;
  readonly admissions: Admissions;
  readonly revocations: Revocations;
  readonly enrolment: Enrolment;
}
