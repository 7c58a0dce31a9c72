import { z } from 'zod';
import { code, digest, fault, role, run } from './fields.js';

/** What a running agent answers to each command at its control socket. */
const runStatus = z.object({
  run,
  planDigest: digest,
  decision: z.enum(['waiting', 'approved', 'rejected', 'withdrawn']),
  code: code.nullable(),
  /** Whose suspension holds the plan up. */
  suspended: z.array(role),
  ended: z.enum(['finished', 'failed', 'cancelled']).nullable(),
});
export type RunStatus = z.infer<typeof runStatus>;

const statusSchema = z.object({
  site: z.string(),
  connected: z.boolean(),
  engine: z.object({ name: z.string(), version: z.string(), deterministic: z.boolean(), selfTestMaxError: z.number() }),
  sandbox: z.enum(['on', 'off']),
  approve: z.enum(['auto', 'manual']),
  /** What the trainer is at. */
  working: z
    .object({
      run: z.string(),
      round: z.number().nullable(),
      step: z.number().nullable(),
      steps: z.number().nullable(),
    })
    .nullable(),
  runs: z.array(runStatus),
  /** The newest signed checkpoint of the site's log, as a note. */
  checkpoint: z.string().nullable(),
  /** The largest size of the coordinator's log that this site has cosigned, and why it cosigns no more. */
  witness: z.object({ size: z.number().nullable(), refused: z.string().nullable() }),
  /** When the certificate in use ends, UTC milliseconds. */
  certificateEndsMs: z.number(),
  bytesUp: z.number(),
  bytesDown: z.number(),
});
export type Status = z.infer<typeof statusSchema>;

const plansSchema = z.object({
  plans: z.array(runStatus.extend({ study: z.string(), title: z.string() })),
});

const counts = z.object({ examples: z.number(), patients: z.number(), positives: z.number() });
const dataset = z.object({ format: z.enum(['dicom', 'npz']), digest, train: counts, test: counts });

/** Everything that a person is shown of a plan, and what there is to sign. */
const planPageSchema = runStatus.extend({
  /** Canonical JSON, of which `planDigest` is the SHA-256. */
  plan: z.string(),
  /** People of the federation who signed the plan, with their public keys. */
  signers: z.array(z.object({ person: z.string(), roles: z.array(z.string()), signing: z.string() })),
  /** What this site has for it, and what is wrong with that. */
  dataset: dataset.nullable(),
  problem: fault.nullable(),
  /** What there is to sign, as JSON of the approval; null where nothing is. */
  draft: z.string().nullable(),
  /** What people have signed of it so far, base64. */
  signed: z.string().nullable(),
  missing: z.array(role),
  /** The plan of this study that was approved here last, another one than this. */
  approvedBefore: digest.nullable(),
});
export type PlanPage = z.infer<typeof planPageSchema>;

const termsSchema = z.object({ plan: z.string() });

const signedSchema = z.object({ approved: z.boolean(), missing: z.array(role) });

/** After a word that needs no key: what stands in the log now. */
const decidedSchema = z.object({ planDigest: digest, runs: z.array(runStatus) });

const standingSchema = z.object({
  standing: z.array(
    z.object({
      document: digest,
      study: z.string(),
      dataset: digest,
      modelFamily: digest,
      rounds: z.number(),
      used: z.number(),
      expiresMs: z.number(),
    }),
  ),
});

const standingDraftSchema = z.object({
  draft: z.string(),
  signed: z.string().nullable(),
  missing: z.array(role),
  dataset,
});

/** `document`: the standing approval, once all have signed. */
const standingSignedSchema = z.object({ document: digest.nullable(), missing: z.array(role) });

const withdrawnSchema = z.object({ document: digest });

/** Command → the form of its answer. */
export const REPLIES = {
  status: statusSchema,
  plans: plansSchema,
  plan: planPageSchema,
  terms: termsSchema,
  sign: signedSchema,
  reject: decidedSchema,
  withdraw: decidedSchema,
  suspend: decidedSchema,
  resume: decidedSchema,
  standing: standingSchema,
  'standing-draft': standingDraftSchema,
  'standing-sign': standingSignedSchema,
  'standing-withdraw': withdrawnSchema,
} as const;
export type Replies = { readonly [Command in keyof typeof REPLIES]: z.output<(typeof REPLIES)[Command]> };

export const replySchema = z.union([z.strictObject({ ok: z.unknown() }), z.strictObject({ error: fault })]);
export type Reply = z.infer<typeof replySchema>;
