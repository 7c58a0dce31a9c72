import { CODES, DIGEST_PATTERN, RUN_ID_PATTERN, type Code, type Digest, type RunId } from '@consilium/stdx';
import { z } from 'zod';

/**
 * Everything that this site's journal may say: a closed set of entries with closed fields. There is no field that a
 * patient's name, a UID, a file name or another program's error text could stand in: strings are minted ids, digests,
 * codes of our catalogue and words of short lists. The one exception is the plan itself, which comes from the
 * consortium and is kept whole because the site must be able to show what it agreed to.
 */
const digest = z
  .string()
  .regex(DIGEST_PATTERN)
  .transform((text) => text as Digest);
const run = z
  .string()
  .regex(RUN_ID_PATTERN)
  .transform((text) => text as RunId);
const code = z.enum(CODES as readonly [Code, ...Code[]]);
const count = z.int().min(0);
const pass = { run, round: z.int().min(1), attempt: z.int().min(1) };
const split = z.strictObject({ examples: count, patients: count, positives: count });

/** The kinds of message that may leave a site; one list for the guard and the journal. */
export const MESSAGE_KINDS = [
  'hello',
  'plan-decision',
  'training-progress',
  'round-refusal',
  'evaluation',
  'update-header',
  'update',
] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];
const message = z.enum(MESSAGE_KINDS);

export const recordSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('agent.started'),
    version: z.string().regex(/^[0-9a-z.+-]{1,40}$/),
    engine: z.strictObject({
      name: z.enum(['wasm', 'cpu']),
      version: z.string().regex(/^[0-9a-z.+-]{1,40}$/),
      deterministic: z.boolean(),
      /** Largest relative error of the finite-difference self-test. */
      selfTestMaxError: z.number().min(0),
    }),
    /** `off`: the site's settings let training run without the kernel cutting it off from the network. */
    sandbox: z.enum(['on', 'off']),
  }),
  /** A crash left half a line at the end; it was cut off. */
  z.strictObject({ type: z.literal('journal.repaired'), tornBytes: z.int().min(1) }),
  z.strictObject({ type: z.literal('plan.offered'), run, planDigest: digest, plan: z.record(z.string(), z.json()) }),
  z.strictObject({ type: z.literal('plan.approved'), run, planDigest: digest, by: z.enum(['auto', 'operator']) }),
  z.strictObject({
    type: z.literal('plan.rejected'),
    run,
    planDigest: digest,
    by: z.enum(['agent', 'operator']),
    code,
  }),
  /** What a run trains on, bound at the approval: other bytes later are refused with DATA_CHANGED. */
  z.strictObject({
    type: z.literal('dataset.loaded'),
    run,
    digest,
    format: z.enum(['dicom', 'npz']),
    train: split,
    test: split,
  }),
  z.strictObject({ type: z.literal('training.started'), ...pass, modelDigest: digest }),
  z.strictObject({
    type: z.literal('training.finished'),
    ...pass,
    steps: count,
    loss: z.number(),
    /** Euclidean norm of the update. */
    norm: z.number().min(0),
  }),
  /** Written and flushed to the disk before the first byte of the message leaves. */
  z.strictObject({
    type: z.literal('egress.sent'),
    message,
    bytes: count,
    sha256: digest,
    run: run.optional(),
    round: z.int().min(1).optional(),
    attempt: z.int().min(1).optional(),
  }),
  /** The guard refused to let something out. */
  z.strictObject({
    type: z.literal('egress.blocked'),
    message: message.or(z.literal('unknown')),
    code,
    run: run.optional(),
  }),
  z.strictObject({ type: z.literal('round.closed'), ...pass, outcome: z.enum(['published', 'abandoned']) }),
  z.strictObject({ type: z.literal('run.ended'), run, outcome: z.enum(['finished', 'failed', 'cancelled']) }),
]);

/** What happened; the journal adds when, and its place in the chain. */
export type JournalRecord = z.infer<typeof recordSchema>;

export const placeSchema = z.object({
  /** Counts from 1 without a gap. */
  seq: z.int().min(1),
  /** SHA-256 of the line before, without its line feed; 64 zeros before the first line. */
  prev: digest,
  /** UTC milliseconds by this machine's clock; it may jump, `seq` does not. */
  at: z.int().min(0),
});
export type Place = z.infer<typeof placeSchema>;
export type Entry = JournalRecord & Place;
