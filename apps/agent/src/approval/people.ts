import { signEnvelope, type Approval, type SigningKey } from '@consilium/identity';
import type { SignedPlan } from '@consilium/round';
import { canonicalJson, Fault } from '@consilium/stdx';
import type { ApprovalDraft, Approvals, Granted, SoFar } from '../approvals.js';
import type { Signers } from './signers.js';
import type { StandingApprovals } from './standing-approvals.js';

export interface PeopleRules {
  readonly site: SigningKey;
  readonly signers: Signers;
  readonly standing: StandingApprovals;
}

/**
 * The people of this hospital decide, with keys that its own settings name and that nobody else vouches for. They sign
 * one after the other, each adding to what is there, so that the finished approval is one document.
 */
export class PeopleApprovals implements Approvals {
  /** By run: what has been signed so far. Lost with a restart; whoever had signed signs again. */
  readonly #signed = new Map<string, Uint8Array>();

  constructor(private readonly rules: PeopleRules) {}

  mayActAlone(plan: SignedPlan): Promise<boolean> {
    return this.rules.standing.mayCover(plan);
  }

  /** The site's own signature, where a standing approval of its people covers the plan and these data. */
  async alone(draft: ApprovalDraft, plan: SignedPlan): Promise<Granted | null> {
    const { standing, site } = this.rules;
    const envelope = await standing.covering(draft, plan);
    if (!envelope) return null;
    const expiresMs = Math.min(draft.expiresMs, envelope.expiresMs);
    const approval: Approval = { ...draft, expiresMs, by: 'standing', envelope };
    return { by: 'standing', envelope: signEnvelope('approval', approval, [site]) };
  }

  /**
   * Faults: those of `openEnvelope`; REQUEST_INVALID for the approval of something else, or one that lacks a signature
   * which was there before.
   */
  async signed(draft: ApprovalDraft, document: Uint8Array): Promise<Granted | null> {
    const { signers } = this.rules;
    const next = signers.added(peoplesApproval(draft), this.soFar(draft).document, document);
    const run = draft.run ?? '';
    if (next.missing.length > 0) {
      this.#signed.set(run, document);
      return null;
    }
    this.#signed.delete(run);
    return { by: 'people', envelope: signers.complete(document) };
  }

  /** Data that changed in between make another draft: what was signed before is of no use then. */
  soFar(draft: ApprovalDraft): SoFar {
    const { signers } = this.rules;
    const document = this.#signed.get(draft.run ?? '');
    const opened = document && signers.openSigned(document);
    if (!opened || canonicalJson(opened.approval) !== canonicalJson(peoplesApproval(draft))) {
      return { document: null, missing: signers.roles };
    }
    return { document, missing: opened.missing };
  }

  open(envelope: Uint8Array): Approval {
    const { signers } = this.rules;
    try {
      return signers.openComplete(envelope);
    } catch (error) {
      const own = this.#openStanding(envelope);
      if (own) return own;
      throw error;
    }
  }

  #openStanding(envelope: Uint8Array): Approval | undefined {
    try {
      const approval = this.rules.signers.openOwn(envelope);
      return approval.by === 'standing' ? approval : undefined;
    } catch (error) {
      if (Fault.is(error)) return undefined; // the other way of reading it has told why
      throw error;
    }
  }
}

/** The very terms that each of the people signs. */
export const peoplesApproval = (draft: ApprovalDraft): Approval => ({ ...draft, by: 'people', envelope: null });
