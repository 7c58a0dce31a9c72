import { admit, fedavg, isExamples, type Contribution } from '@consilium/aggregation';
import { initialise, manifestOf } from '@consilium/model';
import { Fault, type Digest } from '@consilium/stdx';
import { decodeSafetensors, encodeSafetensors, type Weights } from '@consilium/weights';
import type { RoundReplay, RunReplay } from '../replay/run-replay.js';
import type { Dossier } from './dossier.js';
import type { Statements } from './updates.js';

/** What is known of a published model: computed again to the bit, only attested by its log entry, or found different. */
export type Derivation = 're-derived' | 'attested, not re-derived' | 'different';

/**
 * Computes every published model again, from the plan's seed onwards, with the function that the coordinator uses
 * (`libs/aggregation`), and compares SHA-256. Without the updates, which only a plan with `retainUpdates` keeps, a model
 * is attested by those who cosigned its entry, and no more is said about it.
 */
export async function auditAggregates(
  dossier: Dossier,
  statements: Statements,
): Promise<ReadonlyMap<string, Derivation>> {
  const derivations = new Map<string, Derivation>();
  for (const run of dossier.runs) {
    await auditInitialModel(run, dossier);
    for (const round of run.rounds)
      if (round.published) derivations.set(round.published.entry, await derive(round, run, statements, dossier));
  }
  return derivations;
}

async function auditInitialModel({ plan, started }: RunReplay, { tools, findings }: Dossier): Promise<void> {
  const digest = await tools.checks.once(`initial ${started.plan}`, () =>
    tools.digest(encodeSafetensors(initialise(plan.model, plan.seed))),
  );
  if (digest !== started.model)
    findings.add('AGGREGATE_DIFFERS', started.ref, `the plan’s initial model ${digest}`, started.model);
}

async function derive(
  round: RoundReplay,
  run: RunReplay,
  statements: Statements,
  dossier: Dossier,
): Promise<Derivation> {
  const { findings, files, tools } = dossier;
  const { plan } = run;
  const { entry, model } = round.published!;
  const counted = round.committed.filter(({ site }) => round.contributors.includes(site));
  if (plan.audit.retainUpdates) {
    for (const { ref, sha256 } of counted)
      if (!files.has('update', sha256)) findings.add('UPDATE_MISSING', ref, `the update ${sha256}`, 'no such file');
    for (const digest of [round.base, model])
      if (!files.has('model', digest)) findings.add('MODEL_MISSING', entry, `the model ${digest}`, 'no such file');
  }
  const known = counted.every(({ sha256, statement }) => files.has('update', sha256) && statements.has(statement));
  if (!known || !files.has('model', round.base)) return 'attested, not re-derived';

  const examples = counted.map(({ statement }) => statements.get(statement)!.examples);
  const key = [
    'aggregate',
    run.started.plan,
    round.base,
    ...counted.flatMap(({ site, sha256 }, i) => [site, sha256, examples[i]]),
  ];
  try {
    const digest = await tools.checks.once(key.join(' '), () =>
      aggregate(
        round.base,
        counted.map((update, i) => ({ ...update, examples: examples[i]! })),
        run,
        dossier,
      ),
    );
    if (digest === model) return 're-derived';
    findings.add('AGGREGATE_DIFFERS', entry, digest, model);
  } catch (error) {
    if (!Fault.is(error)) throw error;
    findings.add('AGGREGATE_DIFFERS', entry, 'updates that may be aggregated', error.message);
  }
  return 'different';
}

type Counted = { readonly site: Contribution['site']; readonly sha256: Digest; readonly examples: number };

async function aggregate(
  base: Digest,
  counted: readonly Counted[],
  { plan }: RunReplay,
  { files, tools }: Dossier,
): Promise<Digest> {
  const terms = { manifest: manifestOf(plan.model), normBound: plan.aggregation.normBound };
  const contributions: Contribution[] = [];
  for (const { site, sha256, examples } of counted) {
    if (!isExamples(examples)) throw new Fault('REQUEST_INVALID', { field: 'examples', site });
    contributions.push({ site, examples, update: admit(await weights('update', sha256), terms) });
  }
  return tools.digest(
    encodeSafetensors(fedavg(await weights('model', base), contributions, plan.aggregation.weighting)),
  );

  async function weights(shelf: 'model' | 'update', digest: Digest): Promise<Weights> {
    const bytes = await files.load(shelf, digest);
    if (!bytes) throw new Fault('NOT_FOUND', { digest });
    return decodeSafetensors(bytes);
  }
}
