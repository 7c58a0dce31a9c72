import { z } from 'zod';
import { attempt, digest, federation, round, run, site, study } from './fields.js';

/**
 * What a site says about one update, signed with its key: these bytes, trained from this model in this round of this
 * run, after it saw the round's offer in this checkpoint. It is replayed nowhere, since every coordinate stands in it.
 */
export const updateStatementSchema = z.strictObject({
  schema: z.literal('consilium.update/1'),
  federation,
  study,
  plan: digest,
  run,
  round,
  attempt,
  site,
  /** The model that was trained from. */
  model: digest,
  /** The coordinator's checkpoint in which the site found the round's offer: entries and Merkle root. */
  checkpoint: z.strictObject({ size: z.int().min(1), root: digest }),
  /** SHA-256 of the manifest of tensors (names, shapes, dtypes). */
  manifest: digest,
  /** SHA-256 and length in bytes of the safetensors that are sent. */
  sha256: digest,
  length: z.int().min(1),
  /** Training samples behind the update: its weight in the average. */
  examples: z.int().min(0),
  /** Mean training loss over the round's steps. */
  loss: z.number(),
  /** The downloaded model on the site's test split, by the metric's name; null where the offer asked for none. */
  metrics: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, 'the name of a metric'), z.number()).nullable(),
});

export type UpdateStatement = z.infer<typeof updateStatementSchema>;
