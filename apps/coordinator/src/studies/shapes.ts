import { governanceSchema } from '@consilium/round';
import { CODES } from '@consilium/stdx';
import { z } from 'zod';
import { planDocumentSchema } from '../http/plan-schema.js';
import { digestSchema, nameSchema, runSummarySchema } from '../runs/shapes.js';
import { envelopeSchema } from '../sites/shapes.js';

/** The JSON of studies and plans. */
const createdMs = z.int().meta({ description: 'UTC, milliseconds since 1970.', example: 1767225600000 });

const sites = z
  .array(nameSchema)
  .min(1)
  .max(1000)
  .refine((names) => new Set(names).size === names.length, 'site names, each once')
  .meta({ description: 'The hospitals that plans of this study may ask.', example: ['hospital-a', 'hospital-b'] });

const terms = { ...governanceSchema.shape, sites };
const words = {
  name: nameSchema,
  title: z.string().min(1).max(200).meta({ example: 'Lung nodules on low-dose CT' }),
  purpose: z.string().min(1).max(2000).meta({ example: 'Tell malignant from benign nodules, to spare biopsies.' }),
};

export const newStudySchema = z.strictObject({ ...words, ...terms }).meta({ id: 'NewStudy' });

export const studySchema = z
  .object({
    ...words,
    terms: z.strictObject(terms).nullable().meta({ description: 'Null in a study of an older release.' }),
    document: digestSchema
      .nullable()
      .meta({ description: 'SHA-256 of the study document that the coordinator has signed.' }),
    createdMs,
  })
  .meta({ id: 'Study' });
export const studiesSchema = z.object({ studies: z.array(studySchema) }).meta({ id: 'Studies' });
export const studyDetailSchema = studySchema
  .extend({
    plans: z.array(z.object({ digest: digestSchema, createdMs })),
    runs: z.array(runSummarySchema),
  })
  .meta({ id: 'StudyDetail' });

export const completedSchema = z
  .object({ digest: digestSchema, plan: planDocumentSchema })
  .meta({ id: 'CompletedPlan', description: 'What is to be signed: the canonical JSON of `plan`, byte for byte.' });

export const signedSchema = z
  .strictObject({ envelope: envelopeSchema.meta({ description: 'The plan with its signatures (DSSE): base64.' }) })
  .meta({ id: 'SignedPlan' });

export const planDetailSchema = z
  .object({
    digest: digestSchema,
    study: nameSchema,
    createdMs,
    plan: planDocumentSchema,
    envelope: envelopeSchema
      .nullable()
      .meta({ description: 'The plan with the signatures that it has so far: base64.' }),
    signers: z.array(z.object({ person: z.string(), roles: z.array(z.enum(['admin', 'proposer'])) })),
    refusal: z
      .enum(CODES as [string, ...string[]])
      .nullable()
      .meta({ description: 'Why it may not run now; null when it may.', example: null }),
  })
  .meta({ id: 'PlanDetail' });
