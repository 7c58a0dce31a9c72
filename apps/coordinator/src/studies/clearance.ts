import { openEnvelope, type RosterPerson } from '@consilium/identity';
import { decodePublicKey } from '@consilium/identity';
import { parsePlan, requireInForce, requireSignedTerms, type SignedPlan } from '@consilium/round';
import { digestOf, Fault, utf8, type Clock, type Code, type Digest } from '@consilium/stdx';
import type { StudyStore } from '../ports.js';
import type { PlanRecord } from '../records.js';
import type { SiteRegister } from '../sites/register.js';
import type { Rosters } from '../sites/rosters.js';

/** A plan that may run now, and the documents that say so. */
export interface ClearedPlan {
  readonly record: PlanRecord & { readonly envelope: string };
  readonly plan: SignedPlan;
  /** Digest of the envelope with all its signatures, which is among the documents. */
  readonly envelope: Digest;
  /** Digest of the roster that vouches for the signatures, which is too. */
  readonly roster: Digest;
}

/** Who has signed a plan, and why it may not run, if it may not. */
export interface Standing {
  readonly signers: readonly Pick<RosterPerson, 'person' | 'roles'>[];
  readonly refusal: Code | null;
}

/** Decides whether a plan may run: signed by two people of today's roster, under terms that hold today. */
export class Clearance {
  constructor(
    private readonly parts: {
      readonly studies: Pick<StudyStore, 'findPlan'>;
      readonly rosters: Rosters;
      readonly register: SiteRegister;
      readonly clock: Clock;
    },
  ) {}

  /**
   * Faults: NOT_FOUND; PLAN_INCOMPLETE; PLAN_NOT_SIGNED unless a proposer and an admin, two people of the roster, have
   * signed; ETHICS_EXPIRED, ROSTER_CHANGED, JURISDICTION_REFUSED; SITE_REVOKED for a site that is shut out.
   */
  async clear(digest: Digest): Promise<ClearedPlan> {
    const record = await this.parts.studies.findPlan(digest);
    if (!record) throw new Fault('NOT_FOUND', { planDigest: digest });
    return this.#clear(record);
  }

  standingOf(record: PlanRecord): Standing {
    const signers = this.signersOf(record).map(({ person, roles }) => ({ person, roles }));
    try {
      this.#clear(record);
      return { signers, refusal: null };
    } catch (error) {
      return { signers, refusal: Fault.from(error).code };
    }
  }

  /** People of today's roster whose signatures the plan carries; nobody where any signature is of somebody else. */
  signersOf({ envelope }: PlanRecord): readonly RosterPerson[] {
    if (envelope === null) return [];
    try {
      return this.openPlan(utf8(envelope)).signers;
    } catch (error) {
      // The roster has changed since it was signed: that is no failure, and then nobody has.
      if (Fault.is(error, 'SIGNATURE_INVALID')) return [];
      throw error;
    }
  }

  /** Opens a plan's envelope with the keys of the roster's people. Faults as those of `openEnvelope`. */
  openPlan(envelope: Uint8Array): { readonly payloadBytes: Uint8Array; readonly signers: readonly RosterPerson[] } {
    const { rosters } = this.parts;
    const any = rosters.roster.people.map(({ signing }) => decodePublicKey(signing));
    if (any.length === 0) throw new Fault('PLAN_NOT_SIGNED', { people: 0 });
    const { payloadBytes, signers } = openEnvelope(envelope, 'plan', { any });
    return { payloadBytes, signers: rosters.peopleOf(signers) };
  }

  #clear(record: PlanRecord): ClearedPlan {
    const { rosters, register, clock } = this.parts;
    const plan = requireSignedTerms(parsePlan(JSON.parse(record.document)));
    requireTwoPeople(this.signersOf(record));
    requireInForce(plan, rosters.keys, clock.now());
    for (const site of plan.sites) register.requireMember(site);
    const envelope = record.envelope!;
    return {
      record: { ...record, envelope },
      plan,
      envelope: digestOf(utf8(envelope)),
      roster: rosters.current.digest,
    };
  }
}

/** A proposer and an admin who are not the same person, whatever roles that person has. */
function requireTwoPeople(signers: readonly RosterPerson[]): void {
  const proposers = signers.filter(({ roles }) => roles.includes('proposer'));
  const admins = signers.filter(({ roles }) => roles.includes('admin'));
  const areTwo = proposers.some(({ person }) => admins.some((admin) => admin.person !== person));
  if (!areTwo) throw new Fault('PLAN_NOT_SIGNED', { proposers: proposers.length, admins: admins.length });
}
