import { z } from 'zod';
import { digest, federation, milliseconds, run, site, study } from './fields.js';

/** What a standing approval covers: the same data, models of one family, so many rounds, until then. */
const envelope = z.strictObject({
  dataset: digest,
  modelFamily: digest,
  /** Rounds of all runs together. */
  rounds: z.int().min(1).max(1_000_000),
  expiresMs: milliseconds,
});

/**
 * A hospital's yes, in one of four forms:
 *
 * | by       | plan, run | envelope | signed by                                           |
 * | -------- | --------- | -------- | --------------------------------------------------- |
 * | people   | both      | none     | the site's approvers and the site: one run          |
 * | people   | none      | given    | the same: a standing approval, which runs use       |
 * | standing | both      | given    | the site: one run, within that standing approval    |
 * | auto     | both      | none     | the site: its settings let the agent decide (demos) |
 */
export const approvalSchema = z
  .strictObject({
    schema: z.literal('consilium.approval/1'),
    federation,
    study,
    plan: digest.nullable(),
    run: run.nullable(),
    envelope: envelope.nullable(),
    site,
    dataset: digest,
    by: z.enum(['people', 'auto', 'standing']),
    expiresMs: milliseconds,
    atMs: milliseconds,
  })
  .refine(({ plan, run: of }) => (plan === null) === (of === null), 'a plan and the run of it, or neither')
  .refine(({ plan, envelope: covers, by }) => by !== 'auto' || (plan !== null && covers === null), 'a run alone')
  .refine(({ plan, envelope: covers, by }) => by !== 'standing' || (plan !== null && covers !== null), {
    error: 'a run, and the standing approval that covers it',
  })
  .refine(({ plan, envelope: covers, by }) => by !== 'people' || (plan === null) !== (covers === null), {
    error: 'either a run or a standing approval',
  })
  .refine(({ dataset, envelope: covers }) => covers === null || covers.dataset === dataset, {
    error: 'the data that the standing approval covers',
    path: ['dataset'],
  })
  .refine(({ atMs, expiresMs }) => atMs < expiresMs, { error: 'an end after the beginning', path: ['expiresMs'] });

export type Approval = z.infer<typeof approvalSchema>;
export type ApprovalEnvelope = z.infer<typeof envelope>;
