import { CODES, DIGEST_PATTERN, NAME_PATTERN, RUN_ID_PATTERN } from '@consilium/stdx';
import { z } from 'zod';
import { estimateSchema } from '../metrics.js';

/** The JSON of the HTTP API, as schemas: requests are checked by them, answers are typed and documented by them. */

export const nameSchema = z
  .string()
  .regex(NAME_PATTERN, 'lower-case letters, digits and inner hyphens, at most 63')
  .meta({ example: 'lung-nodule' });
export const digestSchema = z.string().regex(DIGEST_PATTERN, '64 hexadecimal digits');
export const runIdSchema = z.string().regex(RUN_ID_PATTERN, 'a run id');
const ms = z.int().meta({ description: 'UTC, milliseconds since 1970.', example: 1767225600000 });
const estimate = estimateSchema.nullable();

export const metricsSchema = z
  .object({
    loss: estimate,
    auc: estimate,
    accuracy: estimate,
    sensitivity: estimate,
    specificity: estimate,
    brier: estimate,
    examples: z.int().meta({ description: 'Samples measured.' }),
  })
  .meta({ id: 'Metrics', description: 'One model on one test split; null where a metric is undefined.' });

export const RUN_STATES = ['approval', 'training', 'paused', 'evaluation', 'finished', 'failed', 'cancelled'] as const;

export const runSiteSchema = z
  .object({
    name: nameSchema.meta({ example: 'hospital-a' }),
    connected: z.boolean(),
    decision: z.enum(['pending', 'approved', 'rejected']).meta({ description: 'What the site says to the plan.' }),
    step: z.int().meta({ description: 'Optimiser steps done in this round.' }),
    steps: z.int().meta({ description: 'Optimiser steps of a round.' }),
    loss: z.number().nullable().meta({ description: 'Mean training loss in this round so far.' }),
    examples: z.int().nullable().meta({ description: 'Training samples behind the latest update.' }),
    bytesUp: z.int().meta({ description: 'Bytes of updates received in this run.' }),
    bytesDown: z.int().meta({ description: 'Bytes of models sent in this run.' }),
    dropped: z
      .enum(['deadline-passed', 'refused', 'disconnected', 'update-refused', 'withdrawn'])
      .nullable()
      .meta({ description: 'Why the site’s update is not in the current round.' }),
    metrics: metricsSchema.nullable().meta({ description: 'The final model on the site’s own test split.' }),
  })
  .meta({ id: 'RunSite' });

export const runPassSchema = z
  .object({
    round: z.int(),
    attempt: z.int(),
    outcome: z.enum(['published', 'abandoned']),
    reason: z.enum(['too-few-sites', 'too-few-updates', 'aggregation-failed', 'stopped']).nullable(),
    contributors: z.array(z.string()),
    loss: z.number().nullable().meta({ description: 'Training loss, averaged over the contributors’ samples.' }),
    auc: z.number().nullable().meta({ description: 'AUC of the model before this round, mean over the sites.' }),
    modelDigest: digestSchema.nullable(),
    startedMs: ms,
    endedMs: ms.nullable(),
  })
  .meta({ id: 'RoundPass', description: 'One pass of a round that is over.' });

export const runSummarySchema = z
  .object({
    id: runIdSchema.meta({ example: 'run-mjvsb9qw4k2x0z' }),
    study: nameSchema,
    planDigest: digestSchema,
    state: z.enum(RUN_STATES),
    createdMs: ms,
    endedMs: ms.nullable(),
    round: z.int().meta({ description: 'The current round, from 1; 0 before training.' }),
    rounds: z.int(),
    modelDigest: digestSchema.nullable().meta({ description: 'The published model, once the run has finished.' }),
  })
  .meta({ id: 'RunSummary' });

export const runSchema = runSummarySchema
  .extend({
    code: z
      .enum(CODES as [string, ...string[]])
      .nullable()
      .meta({ description: 'Why the run failed.', example: null }),
    attempt: z.int(),
    sites: z.array(runSiteSchema),
    history: z.array(runPassSchema),
  })
  .meta({ id: 'Run', description: 'One execution of a plan, with its sites now and its rounds so far.' });

export type RunView = z.infer<typeof runSchema>;
export type RunSummaryView = z.infer<typeof runSummarySchema>;
export type RunSiteView = z.infer<typeof runSiteSchema>;
export type RunPassView = z.infer<typeof runPassSchema>;
