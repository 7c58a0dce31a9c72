import { CODES, DIGEST_PATTERN, RUN_ID_PATTERN, type Code } from '@consilium/stdx';
import { z } from 'zod';

/** One request and one reply a connection, each one line of JSON. Spoken only over a socket of mode 600 on this machine. */
const reference = z
  .string()
  .refine((text) => DIGEST_PATTERN.test(text) || RUN_ID_PATTERN.test(text), 'a plan digest or a run id');

export const requestSchema = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal('status') }),
  z.strictObject({ command: z.literal('plans') }),
  z.strictObject({ command: z.literal('approve'), reference }),
  z.strictObject({ command: z.literal('reject'), reference }),
]);
export type ControlRequest = z.infer<typeof requestSchema>;

const runStatus = z.object({
  run: z.string(),
  planDigest: z.string(),
  decision: z.enum(['pending', 'approved', 'rejected']),
  code: z.string().nullable(),
  ended: z.enum(['finished', 'failed', 'cancelled']).nullable(),
});

export const statusSchema = z.object({
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
  bytesUp: z.number(),
  bytesDown: z.number(),
});
export type Status = z.infer<typeof statusSchema>;

export const plansSchema = z.object({
  plans: z.array(
    z.object({ run: z.string(), planDigest: z.string(), offeredMs: z.number(), study: z.string(), text: z.string() }),
  ),
});
export type Plans = z.infer<typeof plansSchema>;

export const decisionSchema = z.object({ approved: z.boolean(), code: z.string().nullable() });
export type DecisionReply = z.infer<typeof decisionSchema>;

const facts = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
export const replySchema = z.union([
  z.strictObject({ ok: z.unknown() }),
  z.strictObject({ error: z.strictObject({ code: z.enum(CODES as readonly [Code, ...Code[]]), facts }) }),
]);
export type Reply = z.infer<typeof replySchema>;

/** A request longer than this is not one. */
export const REQUEST_BYTES_MAX = 4096;
/** Plans may be long: 32 of them with their texts. */
export const REPLY_BYTES_MAX = 8 * 1024 * 1024;
