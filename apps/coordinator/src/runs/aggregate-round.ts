import type { Digest } from '@consilium/stdx';
import type { RoundRecord, UpdateRecord } from '../records.js';
import type { OfferTerms } from './offers.js';
import type { RunWorld } from './world.js';

/** Makes the round's model from its base and the committed updates, stores it, and answers its digest. Safe to repeat. */
export async function aggregateRound(
  round: RoundRecord,
  updates: readonly UpdateRecord[],
  { plan, manifest }: Pick<OfferTerms, 'plan' | 'manifest'>,
  { models, spool, arithmetic }: Pick<RunWorld, 'models' | 'spool' | 'arithmetic'>,
): Promise<Digest> {
  const contributions = updates.map(async (update) => ({
    site: update.site,
    examples: update.examples,
    bytes: await spool.read({ ...update, round: update.number }),
  }));
  const model = await arithmetic.aggregate({
    base: await models.read(round.baseDigest),
    contributions: await Promise.all(contributions),
    weighting: plan.aggregation.weighting,
    terms: { manifest, normBound: plan.aggregation.normBound },
  });
  return models.put(model);
}
