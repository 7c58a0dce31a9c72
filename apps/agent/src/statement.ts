import { signEnvelope, type SigningKey, type UpdateStatement } from '@consilium/identity';
import { manifestOf } from '@consilium/model';
import { digestOfJson, Fault, type Digest, type SiteName } from '@consilium/stdx';
import { manifestDigest } from '@consilium/weights';
import type { RoundOffer } from './offers.js';
import type { OutgoingOf, SharedMetrics } from './outgoing.js';
import type { Permit } from './permits.js';

/** What an update is, apart from the round that it is for. */
export interface Contribution {
  readonly bytes: Uint8Array;
  readonly sha256: Digest;
  /** Training samples that it rests on. */
  readonly examples: number;
  readonly loss: number;
  /** The downloaded model on the site's test split, where the offer asked for it. */
  readonly metrics: SharedMetrics | null;
}

/** The coordinator's checkpoint in which the site found the round's offer. */
export interface SeenCheckpoint {
  readonly size: number;
  readonly root: Digest;
}

/**
 * The site's word on one update, in one attempt of one round, signed with its key: an update that is replayed in
 * another attempt, round, run or plan, or that was trained from another model, has no statement that fits.
 */
export function signUpdate(
  { bytes, sha256, examples, loss, metrics }: Contribution,
  offer: Pick<RoundOffer, 'run' | 'round' | 'attempt' | 'modelDigest'>,
  { permit, site, checkpoint, key }: { permit: Permit; site: SiteName; checkpoint: SeenCheckpoint; key: SigningKey },
): Uint8Array {
  const { plan, planDigest } = permit;
  const statement: UpdateStatement = {
    schema: 'consilium.update/1',
    federation: plan.federation,
    study: plan.study,
    plan: planDigest,
    run: offer.run,
    round: offer.round,
    attempt: offer.attempt,
    site,
    model: offer.modelDigest,
    checkpoint,
    manifest: manifestDigest(manifestOf(plan.model)),
    sha256,
    length: bytes.byteLength,
    examples,
    loss,
    metrics: valuesOf(metrics),
  };
  return signEnvelope('update', statement, [key]);
}

/** Each metric's value by its name; where it is undefined its name is left away. */
function valuesOf(metrics: SharedMetrics | null): UpdateStatement['metrics'] {
  if (!metrics) return null;
  const defined = Object.entries(metrics).flatMap(([name, metric]) => (metric ? [[name, metric.value] as const] : []));
  return Object.fromEntries(defined);
}

/** Refuses a header that says anything else than what was signed. */
export function requireStatementOf(
  statement: UpdateStatement,
  header: OutgoingOf<'update-header'>,
  permit: Permit,
): void {
  const said: Readonly<Record<string, unknown>> = {
    federation: permit.plan.federation,
    study: permit.plan.study,
    plan: header.planDigest,
    run: header.run,
    round: header.round,
    attempt: header.attempt,
    model: header.modelDigest,
    sha256: header.sha256,
    length: header.length,
    examples: header.examples,
    loss: header.loss,
  };
  const signed: Readonly<Record<string, unknown>> = { ...statement };
  const field = Object.keys(said).find((name) => said[name] !== signed[name]);
  if (field !== undefined) throw new Fault('EGRESS_BLOCKED', { field: `statement.${field}` });
  if (digestOfJson(statement.metrics) !== digestOfJson(valuesOf(header.metrics)))
    throw new Fault('EGRESS_BLOCKED', { field: 'statement.metrics' });
}
