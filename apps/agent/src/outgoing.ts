import { CODES, DIGEST_PATTERN, RUN_ID_PATTERN, type Code, type Digest, type RunId } from '@consilium/stdx';
import { z } from 'zod';
import type { MessageKind } from './journal/entry.js';

/**
 * Everything a site may say, as closed schemas: numbers that are finite, minted ids, digests, and codes of our own
 * catalogue. There is no free text, so no file name, UID or library's error message has a field to leave by. The
 * update itself is the one other thing that leaves; the guard measures it apart.
 */
const run = z
  .string()
  .regex(RUN_ID_PATTERN)
  .transform((text) => text as RunId);
const digest = z
  .string()
  .regex(DIGEST_PATTERN)
  .transform((text) => text as Digest);
const code = z.enum(CODES as readonly [Code, ...Code[]]);
const count = z.int().min(0);
const pass = { run, round: z.int().min(1), attempt: z.int().min(1) };

/** The measured value and its 95 % interval; `low` and `high` may lie a little outside the value's own range. */
const metric = (range: z.ZodNumber) => z.strictObject({ value: range, low: z.number(), high: z.number() }).nullable();
const share = z.number().min(0).max(1);

/** The metrics of a binary classification, and no others. Null where undefined (a test split with one class). */
const metrics = z.strictObject({
  loss: metric(z.number().min(0)),
  auc: metric(share),
  accuracy: metric(share),
  sensitivity: metric(share),
  specificity: metric(share),
  brier: metric(share),
});

export const outgoingSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('hello'),
    protocolVersion: z.int().min(1),
    features: z.array(z.string().regex(/^[a-z0-9.-]{1,40}$/)).max(16),
    software: z.string().regex(/^[a-z0-9./ -]{1,60}$/),
  }),
  z.strictObject({
    kind: z.literal('plan-decision'),
    run,
    planDigest: digest,
    approved: z.boolean(),
    code: code.nullable(),
  }),
  z.strictObject({ kind: z.literal('training-progress'), ...pass, step: count, steps: count, loss: z.number() }),
  z.strictObject({ kind: z.literal('round-refusal'), ...pass, code }),
  z.strictObject({
    kind: z.literal('evaluation'),
    run,
    modelDigest: digest,
    examples: count,
    metrics: metrics.nullable(),
    code: code.nullable(),
  }),
  z.strictObject({
    kind: z.literal('update-header'),
    ...pass,
    planDigest: digest,
    modelDigest: digest,
    length: z.int().min(1),
    sha256: digest,
    examples: z.int().min(1),
    loss: z.number(),
    metrics: metrics.nullable(),
  }),
]);

/** The metrics that may leave; how many samples they rest on is told apart. */
export type SharedMetrics = z.infer<typeof metrics>;
export type Outgoing = z.infer<typeof outgoingSchema>;
export type OutgoingOf<Kind extends MessageKind> = Extract<Outgoing, { kind: Kind }>;
export type SessionMessage = Exclude<Outgoing, { kind: 'hello' | 'update-header' }>;
