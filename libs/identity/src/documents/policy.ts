import { z } from 'zod';
import { ascending, digest, federation, publicKey, site } from './fields.js';

/**
 * What an auditor believes before looking: the root, everybody's keys, and the largest checkpoints seen so far. It comes
 * from outside the bundle under audit, or a coordinator could invent a whole federation. Not signed: it is one's own.
 */
export const policySchema = z.strictObject({
  schema: z.literal('consilium.policy/1'),
  federation,
  /** The root's certificate, PEM. */
  root: z.string().min(1).max(8192),
  coordinator: z.strictObject({ signing: publicKey }),
  sites: z
    .array(
      z.strictObject({
        name: site,
        signing: publicKey,
        /** The people whose signatures the site's approvals carry; empty where the agent decides by itself. */
        approvers: z
          .array(z.strictObject({ role: z.string().regex(/^[a-z][a-z-]{0,62}$/, 'a role'), signing: publicKey }))
          .max(100),
      }),
    )
    .max(1000)
    .refine((sites) => ascending(sites.map(({ name }) => name)), 'sites in order of their names, each once'),
  checkpoints: z
    .array(
      z.strictObject({
        /** The log’s origin, as `demo/site/berlin/2026`, or `…/2026-2` after a restore. */
        origin: z
          .string()
          .regex(/^[a-z0-9-]+\/(?:coordinator|site\/[a-z0-9-]+)\/\d{4}(?:-[1-9]\d{0,2})?$/, 'the origin of a log'),
        size: z.int().min(0),
        root: digest,
      }),
    )
    .max(100_000),
});

export type Policy = z.infer<typeof policySchema>;
