import type { Approval, ApprovalEnvelope } from '@consilium/identity';
import type { SignedPlan } from '@consilium/round';
import { canonicalJson, digestOfJson, Fault, type Clock, type Digest, type RunId } from '@consilium/stdx';
import type { ApprovalDraft } from '../approvals.js';
import type { SiteLedger } from '../ledger/site-ledger.js';
import { readPlan } from '../permits.js';
import type { Signers } from './signers.js';

export interface StandingPorts {
  readonly ledger: Pick<SiteLedger, 'runs' | 'standing' | 'documents'>;
  readonly signers: Pick<Signers, 'openComplete' | 'openOwn'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** A standing approval that holds now. */
export interface StandingApproval {
  /** SHA-256 of its document. */
  readonly document: Digest;
  readonly study: Approval['study'];
  readonly terms: ApprovalEnvelope;
}

/** Models of one graph of layers are one family: what differs is the numbers that they learn. */
export const modelFamilyOf = ({ model }: Pick<SignedPlan, 'model'>): Digest => digestOfJson(model);

/** What a site's people have agreed to beforehand: the same data, one model family, so many rounds, until a date. */
export class StandingApprovals {
  /** Rounds of runs that are being approved at this moment: the log does not know of them yet. */
  readonly #reserved = new Map<RunId, { readonly terms: string; readonly rounds: number }>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly ports: StandingPorts) {}

  /** Whether one is there for the study and its model: a first look that opens no data. */
  async mayCover(plan: SignedPlan): Promise<boolean> {
    return (await this.inForce()).some((standing) => isOf(standing, plan));
  }

  /**
   * The terms under which this run may begin without asking again, if there are any; its rounds are taken from them. One
   * run after the other, or two at once could together take more rounds than were granted.
   */
  covering(draft: Pick<ApprovalDraft, 'run' | 'dataset'>, plan: SignedPlan): Promise<ApprovalEnvelope | null> {
    const covered = this.#turn.then(() => this.#cover(draft, plan));
    this.#turn = covered.catch(() => {}); // whoever asked hears of it
    return covered;
  }

  /** Those that are neither withdrawn nor over, and whose signers the settings still name. */
  async inForce(): Promise<readonly StandingApproval[]> {
    const { ledger, signers, clock } = this.ports;
    const found: StandingApproval[] = [];
    for (const document of ledger.standing.all()) {
      const bytes = await ledger.documents.get(document);
      try {
        const { envelope: terms, study } = signers.openComplete(bytes);
        if (terms && terms.expiresMs > clock.now()) found.push({ document, study, terms });
      } catch (error) {
        // Signed by somebody whom the settings no longer name: it is no approval any more.
        if (!Fault.is(error)) throw error;
      }
    }
    return found;
  }

  /** Rounds of all runs that it has covered, those that were cancelled too: what was granted was granted. */
  async roundsUsed(terms: ApprovalEnvelope): Promise<number> {
    const { ledger, signers } = this.ports;
    const name = canonicalJson(terms);
    let used = 0;
    for (const [run, reserved] of this.#reserved) {
      if (ledger.runs.find(run)?.decision)
        this.#reserved.delete(run); // the log counts it, or it was rejected
      else if (reserved.terms === name) used += reserved.rounds;
    }
    for (const { decision, planDigest } of ledger.runs.all()) {
      if (!decision?.approved || decision.by !== 'standing') continue;
      const { envelope } = signers.openOwn(await ledger.documents.get(decision.envelope));
      if (canonicalJson(envelope) !== name) continue;
      used += readPlan(await ledger.documents.get(planDigest)).rounds.count;
    }
    return used;
  }

  async #cover(
    { run, dataset }: Pick<ApprovalDraft, 'run' | 'dataset'>,
    plan: SignedPlan,
  ): Promise<ApprovalEnvelope | null> {
    const rounds = plan.rounds.count;
    if (run) this.#reserved.delete(run); // asked again
    for (const standing of await this.inForce()) {
      const { terms } = standing;
      if (!isOf(standing, plan) || terms.dataset !== dataset) continue;
      if ((await this.roundsUsed(terms)) + rounds > terms.rounds) continue;
      if (run) this.#reserved.set(run, { terms: canonicalJson(terms), rounds });
      return terms;
    }
    return null;
  }
}

const isOf = ({ study, terms }: StandingApproval, plan: SignedPlan): boolean =>
  study === plan.study && terms.modelFamily === modelFamilyOf(plan);
