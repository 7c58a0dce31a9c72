import { decodePublicKey } from '@consilium/identity';
import {
  coordinatorCosigner,
  COSIGNATURE,
  LOG_SIGNATURE,
  noteText,
  parseCheckpointNote,
  quorumOf,
  requireEvidence,
  shardYear,
  siteCosigner,
  verifierKey,
  type CoordinatorEntry,
} from '@consilium/ledger';
import type { SignedPlan } from '@consilium/round';
import { Fault, toHex, type Digest, type SiteName } from '@consilium/stdx';
import type { Cosigned, Watched } from './ledger/watched.js';
import type { Assignment, Evidence } from './offers.js';

export interface EvidenceTerms {
  readonly site: SiteName;
  readonly plan: SignedPlan;
  readonly watched: Pick<Watched, 'hasCosigned' | 'refused'>;
}

/**
 * Shows that an offer is the one that all sites see: its entry stands in the coordinator's log, under a checkpoint that
 * a quorum of the plan's sites has cosigned and that lies in the one past which this site has seen itself.
 *
 * Guarantee: with n sites of which at most ⌊(n − 1) / 3⌋ collude with the coordinator, no two honest sites accept
 * different entries at one place of the log, so a coordinator cannot give one site another model unseen.
 *
 * Faults: LEDGER_EVIDENCE_INVALID, LEDGER_NOT_WITNESSED, and the refusal's own code once this site was shown another
 * past.
 */
export function requireWitnessedOffer(offer: Assignment, { site, plan, watched }: EvidenceTerms): Cosigned {
  if (watched.refused) throw new Fault(watched.refused);
  const { evidence } = offer;
  const { origin, ...seen } = checkpointOf(evidence, plan);
  const key = (name: string, type: typeof LOG_SIGNATURE | typeof COSIGNATURE, text: string) =>
    verifierKey(name, type, decodePublicKey(text));
  const { entry } = requireEvidence(
    { ...evidence, note: noteText(evidence.note) },
    {
      logKey: key(origin, LOG_SIGNATURE, plan.roster.coordinator),
      witnesses: plan.sites.map((name) =>
        key(siteCosigner(plan.federation, name), COSIGNATURE, plan.roster.sites[name]!),
      ),
      quorum: quorumOf(plan.sites.length),
    },
  );
  requireSameOffer(entry, offer, site);
  // A quorum of others may have seen a past that this site has not: it acts only on what it has cosigned itself.
  if (!watched.hasCosigned(seen)) throw new Fault('LEDGER_NOT_WITNESSED', { size: seen.size, by: 'this site' });
  return seen;
}

/** Which shard the checkpoint is of, how large and with which root; not verified yet. */
function checkpointOf({ note }: Evidence, { federation }: SignedPlan): Cosigned & { origin: string } {
  try {
    const { origin, size, root } = parseCheckpointNote(noteText(note)).checkpoint;
    if (isCoordinatorLog(origin, federation)) {
      return { origin, year: shardYear(origin), size, root: toHex(root) as Digest };
    }
  } catch (error) {
    if (!Fault.is(error)) throw error;
    throw new Fault('LEDGER_EVIDENCE_INVALID', { what: 'checkpoint' }, error);
  }
  throw new Fault('LEDGER_EVIDENCE_INVALID', { what: 'another log' });
}

/** Whether a log's name is that of a shard of this federation's coordinator. */
export const isCoordinatorLog = (origin: string, federation: string): boolean =>
  origin.startsWith(`${coordinatorCosigner(federation)}/`) && Number.isSafeInteger(shardYear(origin));

/** The entry says what the offer says, field by field, and names this site where it names participants. */
function requireSameOffer(entry: CoordinatorEntry, offer: Assignment, site: SiteName): void {
  const differs = (what: string): Fault => new Fault('LEDGER_EVIDENCE_INVALID', { what });
  if (entry.type === 'round.offered' && offer.kind === 'round') {
    if (entry.round !== offer.round || entry.attempt !== offer.attempt) throw differs('round');
    if (!entry.participants.includes(site)) throw differs('participants');
  } else if (entry.type !== 'evaluation.offered' || offer.kind !== 'evaluation') {
    throw differs('type');
  }
  if (entry.run !== offer.run) throw differs('run');
  if (entry.plan !== offer.planDigest) throw differs('plan');
  if (entry.model !== offer.modelDigest) throw differs('model');
}
