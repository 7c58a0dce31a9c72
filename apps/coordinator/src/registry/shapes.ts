import { z } from 'zod';
import { digestSchema, metricsSchema, runIdSchema } from '../runs/shapes.js';

export const modelSummarySchema = z
  .object({
    digest: digestSchema.meta({ description: 'SHA-256 of the safetensors bytes.' }),
    planDigest: digestSchema,
    run: runIdSchema,
    round: z.int().meta({ description: 'The last round.' }),
    createdMs: z.int().meta({ description: 'UTC, milliseconds since 1970.', example: 1767225600000 }),
  })
  .meta({ id: 'ModelSummary' });

const tensorSchema = z.object({
  name: z.string().meta({ example: 'conv1/kernel' }),
  shape: z.array(z.int()).meta({ example: [3, 3, 1, 16] }),
  offset: z.int().meta({ description: 'In float32 values.' }),
  size: z.int().meta({ description: 'In float32 values.' }),
});

const siteMetricsSchema = z.object({
  site: z
    .string()
    .nullable()
    .meta({ description: 'Null for the mean over the sites, each the same.', example: 'hospital-a' }),
  metrics: metricsSchema.nullable().meta({ description: 'Null where the site could not measure.' }),
});

const originSchema = z.object({
  round: z.int(),
  attempt: z.int(),
  baseDigest: digestSchema,
  modelDigest: digestSchema,
  updates: z.array(z.object({ site: z.string(), sha256: digestSchema, examples: z.int() })),
});

export const modelDetailSchema = modelSummarySchema
  .extend({
    manifest: z.object({ tensors: z.array(tensorSchema), size: z.int() }),
    metrics: z.array(siteMetricsSchema),
    rounds: z
      .array(originSchema)
      .meta({ description: 'Each round’s base, model and updates, so that the chain can be followed.' }),
  })
  .meta({ id: 'Model' });

export type ModelSummaryView = z.infer<typeof modelSummarySchema>;
export type ModelView = z.infer<typeof modelDetailSchema>;
