import { Fault, type SiteName } from '@consilium/stdx';
import type { Log } from '../log.js';
import type { Course } from './course.js';
import { offerTo, withEvidence, type OfferTerms } from './offers.js';
import { OfferProof } from './proof.js';
import type { RunWorld } from './world.js';

/** How often is looked whether the ledger can be written again. */
const RETRY_MS = 1000;

/** What a run says to its sites about what they owe it: once to each session, with evidence, and only while it may. */
export class Dispatch {
  readonly #proof: OfferProof;
  #retry: (() => void) | undefined;

  constructor(
    private readonly course: () => Course,
    private readonly terms: OfferTerms,
    private readonly world: Pick<
      RunWorld,
      'sessions' | 'clock' | 'ledger' | 'evidence' | 'requireInForce' | 'observer'
    >,
    private readonly log: Log,
  ) {
    this.#proof = new OfferProof(world.evidence, terms.plan.roster.sites, world.clock, {
      found: (site, ms) => {
        world.observer.offerWitnessed(ms);
        this.offer(site);
      },
      failed: (err) => log.error({ err }, 'an offer has no evidence; its deadline ends the wait'),
    });
  }

  offerAll(): void {
    for (const site of this.world.sessions.connected) this.offer(site);
  }

  /** An offer that needs evidence waits for it, holds nothing else up, and then leaves by itself. */
  offer(site: SiteName): void {
    const { sessions, clock } = this.world;
    const course = this.course();
    const offer = offerTo(site, course, this.terms, clock.now());
    if (!offer || !sessions.has(site) || !this.#mayLeave()) return;
    if (offer.subject === null) return sessions.offer(site, course.run.id, offer);
    const evidence = this.#proof.of(offer.subject, site);
    if (evidence) sessions.offer(site, course.run.id, withEvidence(offer, evidence));
  }

  close(): void {
    this.#proof.close();
    this.#retry?.();
  }

  /** Nothing leaves while the ledger cannot be written, and nothing of a plan whose terms hold no more. */
  #mayLeave(): boolean {
    const { ledger, requireInForce, clock } = this.world;
    if (ledger.trouble) {
      // A full disk heals; what waits is offered then.
      this.#retry ??= clock.after(RETRY_MS, () => {
        this.#retry = undefined;
        this.offerAll();
      });
      return false;
    }
    try {
      requireInForce(this.terms.plan);
      return true;
    } catch (error) {
      if (!Fault.is(error)) throw error;
      this.log.warn({ err: error }, 'nothing is dispatched: the plan holds no more');
      return false;
    }
  }
}
