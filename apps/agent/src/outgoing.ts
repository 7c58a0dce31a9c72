import { parseCheckpointNote, type MessageKind } from '@consilium/ledger';
import { CODES, DIGEST_PATTERN, RUN_ID_PATTERN, type Code, type Digest, type RunId } from '@consilium/stdx';
import { z } from 'zod';
import { isRounded } from './significant.js';

/**
 * Everything a site may say, as closed schemas: numbers that are finite, minted ids, digests, codes of our own
 * catalogue, checkpoints of logs, and documents that this site signed. There is no free text, so no file name, UID or
 * library's error message has a field to leave by. The update itself is the one other thing that leaves; the guard
 * measures it, and looks into the documents.
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

/** A measured number: three significant digits say all that a few hundred patients can, and little about one. */
const measured = z.number().refine(isRounded, 'three significant digits');
/** The measured value and its 95 % interval; `low` and `high` may lie a little outside the value's own range. */
const metric = (range: z.ZodNumber) =>
  z
    .strictObject({ value: range.refine(isRounded, 'three significant digits'), low: measured, high: measured })
    .nullable();
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

/** Documents of this site's have a few kilobytes at most. */
const bytes = (fits: (length: number) => boolean, expected: string) =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && fits(value.byteLength), expected);
const document = bytes((length) => length > 0 && length <= 65_536, 'a document of at most 65536 bytes');
const hash = bytes((length) => length === 32, 'a hash of 32 bytes');
/** A checkpoint of a log of this federation, in its one spelling. */
const note = z.string().max(262_144).refine(isCheckpoint, 'a checkpoint of a log');
/** `— NAME BASE64`, as C2SP signed-note has it. */
const cosignature = z.string().regex(/^— [a-z0-9/-]{1,200} [A-Za-z0-9+/]{102}==$/, 'a signature line');

export const outgoingSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('hello'),
    protocolVersion: z.int().min(1),
    features: z.array(z.string().regex(/^[a-z0-9.-]{1,40}$/)).max(16),
    software: z.string().regex(/^[a-z0-9./ -]{1,60}$/),
    /** Null before the first. */
    coordinatorCheckpoint: note.nullable(),
    ownCheckpoint: note.nullable(),
  }),
  z.strictObject({
    kind: z.literal('plan-decision'),
    run,
    planDigest: digest,
    approved: z.boolean(),
    code: code.nullable(),
    /** The approval; null when rejected. */
    envelope: document.nullable(),
  }),
  z.strictObject({ kind: z.literal('plan-withdrawal'), run, planDigest: digest }),
  z.strictObject({ kind: z.literal('training-progress'), ...pass, step: count, steps: count, loss: measured }),
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
    loss: measured,
    metrics: metrics.nullable(),
    /** What the site signed about this update. */
    statement: document,
  }),
  z.strictObject({
    kind: z.literal('witness-answer'),
    size: count,
    cosignature: cosignature.nullable(),
    knownSize: count,
    code: code.nullable(),
  }),
  z.strictObject({
    kind: z.literal('site-checkpoint'),
    note,
    oldSize: count,
    consistency: z.array(hash).max(64),
  }),
]);

/** The metrics that may leave; how many samples they rest on is told apart. */
export type SharedMetrics = z.infer<typeof metrics>;
export type Outgoing = z.infer<typeof outgoingSchema>;
export type OutgoingOf<Kind extends MessageKind> = Extract<Outgoing, { kind: Kind }>;
export type SessionMessage = Exclude<Outgoing, { kind: 'hello' | 'update-header' }>;

/** `FEDERATION/coordinator/2026` or `FEDERATION/site/NAME/2026`, with `-2` after a restore. */
const LOG_NAME = /^[a-z0-9-]+\/(?:coordinator|site\/[a-z0-9-]+)\/\d{4}(?:-[1-9]\d{0,2})?$/;

function isCheckpoint(text: string): boolean {
  try {
    return LOG_NAME.test(parseCheckpointNote(text).checkpoint.origin);
  } catch {
    return false; // not a note: the schema says what was expected
  }
}
