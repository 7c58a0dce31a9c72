import { DIGEST_PATTERN, RUN_ID_PATTERN } from '@consilium/stdx';
import { z } from 'zod';
import { digest, role, run } from './fields.js';

/** One request and one reply a connection, each one line of JSON. Spoken only over a socket of mode 600 on this machine. */
const reference = z
  .string()
  .refine((text) => DIGEST_PATTERN.test(text) || RUN_ID_PATTERN.test(text), 'a plan digest or a run id');
/** A signed document, as base64 of its bytes. */
const document = z
  .base64()
  .min(4)
  .max(65_536)
  .transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
const milliseconds = z.int().min(0);

export const requestSchema = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal('status') }),
  z.strictObject({ command: z.literal('plans') }),
  /** `read`: the data of a plan that waits are looked into, so that there is something to sign. */
  z.strictObject({ command: z.literal('plan'), reference, read: z.boolean() }),
  /** A plan's canonical JSON, of those that were ever offered here. */
  z.strictObject({ command: z.literal('terms'), plan: digest }),
  z.strictObject({ command: z.literal('sign'), run, document }),
  z.strictObject({ command: z.literal('reject'), reference, by: role }),
  z.strictObject({ command: z.literal('withdraw'), reference, by: role }),
  z.strictObject({ command: z.literal('suspend'), reference, by: role }),
  z.strictObject({ command: z.literal('resume'), reference, by: role }),
  z.strictObject({ command: z.literal('standing') }),
  /** `plan`: JSON of a plan with the model and the kind of images that the standing approval is to cover. */
  z.strictObject({
    command: z.literal('standing-draft'),
    plan: z.string().max(500_000),
    rounds: z.int().min(1).max(1_000_000),
    expiresMs: milliseconds,
  }),
  z.strictObject({ command: z.literal('standing-sign'), document }),
  z.strictObject({ command: z.literal('standing-withdraw'), document: digest }),
]);
/** As it is sent. */
export type ControlRequest = z.input<typeof requestSchema>;
/** As it is read. */
export type ControlOrder = z.output<typeof requestSchema>;

/** A request longer than this is not one. */
export const REQUEST_BYTES_MAX = 1024 * 1024;
/** Plans may be long. */
export const REPLY_BYTES_MAX = 8 * 1024 * 1024;
