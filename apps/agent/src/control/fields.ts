import { CODES, DIGEST_PATTERN, RUN_ID_PATTERN, type Code, type Digest, type RunId } from '@consilium/stdx';
import { z } from 'zod';
import { APPROVER_ROLES } from '../settings.js';

/** What requests and replies at the control socket are made of. */
export const digest = z
  .string()
  .regex(DIGEST_PATTERN, 'a digest')
  .transform((text) => text as Digest);
export const run = z
  .string()
  .regex(RUN_ID_PATTERN, 'a run id')
  .transform((text) => text as RunId);
export const role = z.enum(APPROVER_ROLES);
export const code = z.enum(CODES as readonly [Code, ...Code[]]);
export const fault = z.strictObject({
  code,
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});
