/**
 * Everything that an audit may find, once. `kind` says what it means for whoever must decide:
 *
 * - `forged`: honest programs cannot produce this; a file was changed, a log rewritten or a signature made up.
 * - `breach`: the record is genuine and shows that a rule of the federation was not kept.
 * - `gap`: evidence is missing, so a question stays open. It is a failure too: an audit that could not look has not
 *   passed.
 */
export type FindingKind = 'forged' | 'breach' | 'gap';

const finding = (kind: FindingKind, sentence: string): { kind: FindingKind; sentence: string } => ({ kind, sentence });

export const FINDINGS = {
  // What the audit stands on
  POLICY_MISSING: finding('gap', 'No policy was given, and a bundle cannot vouch for itself.'),
  POLICY_INVALID: finding('gap', 'The policy is not one, or its certificate cannot be read.'),
  FEDERATION_FOREIGN: finding('forged', 'This is another federation than the one of the policy.'),

  // Logs
  LOG_MISSING: finding('gap', 'A log is not in the bundle; what it would say is not reconciled.'),
  LOG_UNKNOWN: finding('forged', 'A log belongs to nobody of the policy and of the roster.'),
  LOG_BEHIND: finding('forged', 'Another log has seen a later state of this log than the bundle holds.'),
  LOG_RESTORED: finding('gap', 'A log was restored from an older copy; entries are lost.'),
  LEDGER_NOTE_INVALID: finding('forged', 'A checkpoint is not a note in its one canonical form.'),
  LEDGER_SIGNATURE_INVALID: finding(
    'forged',
    'A signature of a checkpoint does not verify, is missing, stands there twice, or is of an unknown key.',
  ),
  LEDGER_CORRUPT: finding('forged', 'A log’s tiles and entries do not add up to the root that its checkpoint signs.'),
  LEDGER_ENTRY_INVALID: finding('forged', 'An entry is not canonical or not of the closed schema.'),
  LEDGER_ID_NOT_ENROLLED: finding('forged', 'An entry names a site that nobody enrolled.'),
  ROLLED_BACK: finding('forged', 'The log is shorter than it was when the policy last saw it.'),
  HISTORY_REWRITTEN: finding('forged', 'Two signed or witnessed states of one log cannot both be true.'),
  SHARD_BROKEN: finding('forged', 'A year’s log does not begin where the year before ended.'),

  // Files
  FILE_UNREFERENCED: finding('forged', 'No entry of a log leads to this file.'),
  FILE_ALTERED: finding('forged', 'The file does not have the SHA-256 by which an entry names it.'),
  DOCUMENT_MISSING: finding('gap', 'A document that an entry names is not in the bundle.'),
  DOCUMENT_INVALID: finding('forged', 'A document is not what the entry that names it says it is.'),
  MODEL_MISSING: finding('gap', 'A model that an entry names is not in the bundle.'),
  UPDATE_MISSING: finding('gap', 'The plan says that updates are kept, and one is not in the bundle.'),

  // Identities
  ROSTER_INVALID: finding('forged', 'A roster is not signed by the policy’s root.'),
  ROSTER_CHAIN_BROKEN: finding('forged', 'A roster does not follow the one before.'),
  KEY_FOREIGN: finding('forged', 'A key is not the one that the roster gives.'),

  // Plans and approvals
  PLAN_NOT_SIGNED: finding(
    'breach',
    'The plan lacks the signature of a proposer or of an admin, two different people.',
  ),
  PLAN_INVALID: finding('forged', 'The plan cannot be read, or is another than the entry names.'),
  PLAN_NOT_IN_FORCE: finding('breach', 'The ethics approval had ended, a site lies abroad, or the roster had changed.'),
  APPROVAL_MISSING: finding('breach', 'A site took part without an approval of this very plan and run.'),
  APPROVAL_INVALID: finding(
    'forged',
    'An approval is not signed by the site and by its approvers, or names something else.',
  ),
  APPROVAL_EXPIRED: finding('breach', 'A round was offered after the approval of a participant had expired.'),
  APPROVAL_REUSED: finding('breach', 'One approval was used for two runs.'),
  APPROVAL_WITHDRAWN: finding('breach', 'A site was offered a round after it had withdrawn its approval.'),
  DECISION_DIFFERS: finding('forged', 'The coordinator and a site tell different decisions.'),

  // Rounds
  TRANSITION_REFUSED: finding('breach', 'An event has no place in this phase of the run or round.'),
  PARTICIPANTS_DIFFER: finding(
    'breach',
    'The participants or contributors are not those that the round’s events give.',
  ),
  MODEL_CHAIN_BROKEN: finding('breach', 'A round started from another model than the last one published.'),
  OUTCOME_DIFFERS: finding('breach', 'A round or run ended in another way than its events say.'),
  OFFER_NOT_WITNESSED: finding(
    'breach',
    'An offer lies under no checkpoint that enough of the plan’s sites have cosigned.',
  ),
  EVIDENCE_DIFFERS: finding('forged', 'A site acted on evidence that is not in the coordinator’s log.'),
  AGGREGATE_DIFFERS: finding('breach', 'The published model is not the aggregate of the updates.'),

  // What left a site
  STATEMENT_INVALID: finding(
    'forged',
    'A site’s statement about its update is not signed by the site, or names something else.',
  ),
  UPDATE_NOT_SENT: finding('breach', 'The coordinator counted an update that the site’s log does not say it sent.'),
  UPDATE_NOT_RECEIVED: finding(
    'breach',
    'A site sent an update, and the coordinator’s log tells neither that it came nor why not.',
  ),
  EGRESS_DIFFERS: finding('breach', 'A site and the coordinator tell different bytes or digests.'),
  EVALUATION_NOT_SENT: finding(
    'breach',
    'The coordinator counted an evaluation that the site’s log does not say it sent.',
  ),
} as const satisfies Record<string, { kind: FindingKind; sentence: string }>;

export type FindingCode = keyof typeof FINDINGS;

/** One finding. `entry` is `origin#index`, or null where it is not about one entry. */
export interface Finding {
  readonly code: FindingCode;
  readonly entry: string | null;
  readonly expected: string;
  readonly found: string;
}

/** Most findings that a report tells: a wholly foreign bundle would give one for every entry. */
export const FINDINGS_MAX = 1000;

/** Collects findings in the order in which they are met. */
export class Findings {
  readonly #list: Finding[] = [];
  #beyond = 0;

  add(code: FindingCode, entry: string | null, expected: string, found: string): void {
    if (this.#list.length < FINDINGS_MAX) this.#list.push({ code, entry, expected, found });
    else this.#beyond++;
  }

  get list(): readonly Finding[] {
    return this.#list;
  }

  /** How many more there were than {@link FINDINGS_MAX}. */
  get beyond(): number {
    return this.#beyond;
  }
}
