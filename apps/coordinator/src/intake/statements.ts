import { decodePublicKey, openEnvelope, type UpdateStatement } from '@consilium/identity';
import { canonicalJson, Fault, type RunId, type SiteName } from '@consilium/stdx';
import { manifestDigest } from '@consilium/weights';
import type { UpdateHeader } from '@consilium/wire';
import type { EvidenceDesk } from '../ledger/evidence.js';
import { METRIC_NAMES, type Metrics } from '../metrics.js';
import type { OfferTerms } from '../runs/offers.js';
import { subjectOfRound } from '../runs/events.js';
import { readMetrics } from './metrics-in.js';

/** A statement is a few lines and one signature. */
const STATEMENT_BYTES_MAX = 16 * 1024;

/**
 * Takes an update only with what its site has signed about it: these bytes, in this attempt of this round of this run,
 * trained from this model, after the site saw the offer in a checkpoint of our log. A statement of any other attempt,
 * round, run or plan is none, before and after a restart: nothing of it is remembered, everything is compared.
 *
 * Faults: UPDATE_STATEMENT_INVALID with the field, or with why the envelope cannot be opened.
 */
export async function requireStatement(
  site: SiteName,
  header: UpdateHeader,
  { record, plan, manifest }: Pick<OfferTerms, 'record' | 'plan' | 'manifest'>,
  evidence: Pick<EvidenceDesk, 'stoodIn'>,
): Promise<void> {
  const statement = opened(header.statement, plan.roster.sites[site]!);
  const { run, round, attempt } = header.round!;
  const expected: Omit<UpdateStatement, 'schema' | 'checkpoint'> = {
    federation: plan.federation,
    study: plan.study,
    plan: record.digest,
    run: run as RunId,
    round,
    attempt,
    site,
    model: header.modelDigest as UpdateStatement['model'],
    manifest: manifestDigest(manifest),
    sha256: header.sha256 as UpdateStatement['sha256'],
    length: header.length,
    examples: header.examples,
    loss: header.loss,
    metrics: header.metrics.length ? valuesOf(readMetrics(header.metrics)) : null,
  };
  for (const [field, value] of Object.entries(expected)) {
    if (!same(statement[field as keyof typeof expected], value)) throw invalid(field);
  }
  const subject = subjectOfRound({ run: run as RunId, round, attempt });
  if (!(await evidence.stoodIn(subject, statement.checkpoint))) throw invalid('checkpoint');
}

function opened(envelope: Uint8Array, key: string): UpdateStatement {
  if (envelope.byteLength === 0 || envelope.byteLength > STATEMENT_BYTES_MAX) throw invalid('statement');
  try {
    return openEnvelope(envelope, 'update', { all: [decodePublicKey(key)] }).payload;
  } catch (error) {
    if (Fault.is(error)) throw new Fault('UPDATE_STATEMENT_INVALID', { because: error.code }, error);
    throw error;
  }
}

/** Each metric's value by its name; one that is undefined is left away. */
function valuesOf(metrics: Metrics): Record<string, number> {
  const defined = METRIC_NAMES.flatMap((name) => (metrics[name] ? [[name, metrics[name].value] as const] : []));
  return Object.fromEntries(defined);
}

/** Numbers by value, so that what is no number is never the same; lists of metrics by their canonical form. */
const same = (a: unknown, b: unknown): boolean =>
  typeof a === 'object' && typeof b === 'object' ? canonicalJson(a as never) === canonicalJson(b as never) : a === b;

const invalid = (field: string): Fault => new Fault('UPDATE_STATEMENT_INVALID', { field });
