import { openEnvelope, signEnvelope, type Approval, type SigningKey } from '@consilium/identity';
import type { SignedPlan } from '@consilium/round';
import { Fault, type Clock } from '@consilium/stdx';
import { PeopleApprovals } from './approval/people.js';
import type { Role } from './approval/roles.js';
import { Signers } from './approval/signers.js';
import { StandingApprovals } from './approval/standing-approvals.js';
import type { SiteLedger } from './ledger/site-ledger.js';
import type { Settings } from './settings.js';

/** What is about to be approved: all who sign, sign these very terms. */
export type ApprovalDraft = Omit<Approval, 'by' | 'envelope'>;

/** An approval, whole: a document with every signature that the site's own rules ask for. */
export interface Granted {
  readonly by: Approval['by'];
  readonly envelope: Uint8Array;
}

/** How far the people of a site are with a draft: what they have signed, and who has yet to. */
export interface SoFar {
  readonly document: Uint8Array | null;
  readonly missing: readonly Role[];
}

/**
 * Who says yes for this site. The coordinator has no part in it: whose signatures count stands in the site's own
 * settings, and nobody else vouches for them.
 */
export interface Approvals {
  /** Whether {@link alone} could say yes to this plan: only then are its data read without a person asking. */
  mayActAlone(plan: SignedPlan): Promise<boolean>;
  /** The approval, where nobody needs to be asked now: the settings say `auto`, or a standing approval covers it. */
  alone(draft: ApprovalDraft, plan: SignedPlan): Promise<Granted | null>;
  /**
   * Takes what people have signed of this draft, one document for each call; the approval once all whom the settings
   * name have signed, null until then. Throws the Fault of a signature that does not count.
   */
  signed(draft: ApprovalDraft, document: Uint8Array): Promise<Granted | null>;
  /** What the next person adds a signature to. */
  soFar(draft: ApprovalDraft): SoFar;
  /** An approval given before, if its signatures are those that the settings ask for; asked once for each document. */
  open(envelope: Uint8Array): Approval;
}

/** The rule `approve: auto`: the agent says yes to every plan that passes the checks, with the site's key alone. */
export class AutoApprovals implements Approvals {
  constructor(private readonly signing: SigningKey) {}

  async mayActAlone(): Promise<boolean> {
    return true;
  }

  async alone(draft: ApprovalDraft): Promise<Granted> {
    const approval: Approval = { ...draft, by: 'auto', envelope: null };
    return { by: 'auto', envelope: signEnvelope('approval', approval, [this.signing]) };
  }

  async signed(draft: ApprovalDraft, _document?: Uint8Array): Promise<Granted | null> {
    return this.alone(draft);
  }

  soFar(): SoFar {
    return { document: null, missing: [] };
  }

  open(envelope: Uint8Array): Approval {
    return openEnvelope(envelope, 'approval', { all: [this.signing.publicKey] }).payload;
  }
}

export interface ApprovalPorts {
  /** The site's own key. */
  readonly signing: SigningKey;
  readonly ledger: Pick<SiteLedger, 'runs' | 'standing' | 'documents'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Whose signatures an approval of this site carries. SETTINGS_INVALID where its people decide and nobody is named. */
export function approversOf({ approve, approvers }: Pick<Settings, 'approve' | 'approvers'>): Settings['approvers'] {
  if (approve === 'manual' && approvers.length === 0) {
    throw new Fault('SETTINGS_INVALID', {
      path: 'approvers',
      expected: 'the keys of those who decide, or approve: auto',
    });
  }
  return approvers;
}

/** The site's rule, as its settings have it. */
export function openApprovals(
  settings: Pick<Settings, 'approve' | 'approvers'>,
  ports: ApprovalPorts,
): OpenedApprovals {
  const { signing, ledger, clock } = ports;
  const signers = new Signers(approversOf(settings), signing);
  const standing = new StandingApprovals({ ledger, signers, clock });
  const people = new PeopleApprovals({ site: signing, signers, standing });
  return { approvals: settings.approve === 'auto' ? new AutoApprovals(signing) : people, signers, standing };
}

export interface OpenedApprovals {
  readonly approvals: Approvals;
  readonly signers: Signers;
  readonly standing: StandingApprovals;
}
