import { graphSchema } from '@consilium/model';
import {
  canonicalJson,
  DIGEST_PATTERN,
  digestOfJson,
  NAME_PATTERN,
  type Digest,
  type SiteName,
  type StudyName,
} from '@consilium/stdx';
import { z } from 'zod';
import { governanceSchema } from './governance.js';
import { line, text } from './visible-text.js';

/**
 * The terms of a run, as data and never as code: everything that changes what is computed or what leaves a site stands
 * here and is bound by the digest. Knobs that change only speed or paths are settings of the programs.
 */
const siteName = z
  .string()
  .regex(NAME_PATTERN, 'a site name of lower-case letters, digits and hyphens')
  .transform((text) => text as SiteName);
const studyName = z
  .string()
  .regex(NAME_PATTERN, 'a study name of lower-case letters, digits and hyphens')
  .transform((text) => text as StudyName);
const className = z
  .string()
  .regex(/^[a-z0-9][a-z0-9 _-]{0,62}$/, 'a class name of lower-case letters, digits, spaces, hyphens and underscores');

/** An Ed25519 public key as base64 of its 32 bytes, padded and in the one spelling that these bytes have. */
const publicKey = z.string().regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'base64 of a key of 32 bytes');
const digest = z
  .string()
  .regex(DIGEST_PATTERN, 'a SHA-256 digest of 64 hexadecimal digits')
  .transform((text) => text as Digest);

/** Whose keys the plan was signed with: with another key of any of them it would be another plan. */
const rosterSchema = z.strictObject({
  version: z.int().min(1),
  /** SHA-256 of the roster document from which the keys were taken. */
  digest,
  coordinator: publicKey,
  /** Exactly the plan's sites. */
  sites: z.record(siteName, publicKey),
});

const optimizer = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('sgd'),
    learningRate: z.number().positive().max(1),
    momentum: z.number().min(0).lt(1).default(0),
  }),
  z.strictObject({
    type: z.literal('adam'),
    learningRate: z.number().positive().max(0.1),
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.999),
  }),
]);

const warmUpSteps = z.int().min(1).max(100_000).optional();

/**
 * `cosine` falls towards 0, `step` by a factor every so many steps; before that the rate grows from 0 over the warm-up.
 */
const roundSchedule = z.discriminatedUnion('shape', [
  z.strictObject({ shape: z.literal('constant'), warmUpSteps }),
  z.strictObject({ shape: z.literal('cosine'), warmUpSteps }),
  z.strictObject({
    shape: z.literal('step'),
    every: z.int().min(1).max(100_000),
    factor: z.number().positive().lt(1),
    warmUpSteps,
  }),
]);

/** What is left away is off and no part of the plan, so these terms have changed no digest of plans without them. */
const trainingSchema = z
  .strictObject({
    /** `focal` (Lin et al. 2017): images that are already told apart count less. */
    loss: z.enum(['binary-cross-entropy', 'focal']),
    /** Of the focal loss; left away, 2. */
    focalGamma: z.number().positive().max(5).optional(),
    optimizer,
    /** Learning rate over the rounds: `constant`, or `cosine` from its value to a tenth of it. */
    schedule: z.enum(['constant', 'cosine']).default('constant'),
    /** Learning rate over the steps of each round, as a share of the round's: `roundSchedule` above. */
    roundSchedule: roundSchedule.optional(),
    batchSize: z.int().min(1).max(1024),
    /** Optimiser steps of each site in each round; the optimiser starts afresh each round. */
    localSteps: z.int().min(1).max(100_000),
    weightDecay: z.number().min(0).max(1).default(0),
    /** The largest Euclidean norm of a step's gradient; a longer one is scaled down. It is no privacy mechanism. */
    clipNorm: z.number().positive().max(1e6).optional(),
    /** FedProx (Li et al. 2020): how strongly each site is held to the round's model. */
    proximal: z.number().positive().max(1000).optional(),
    /** Layers that stay as they are, as the backbone of a model that was trained before. */
    frozen: z.array(z.string()).min(1).max(512).optional(),
    /** `balanced`: each class has the same share of the loss at every site. */
    classWeights: z.enum(['none', 'balanced']).default('none'),
    augmentation: z
      .strictObject({
        flipHorizontal: z.boolean().default(false),
        flipVertical: z.boolean().default(false),
        /** At most so many pixels in each direction; the border is repeated. */
        shiftPixels: z.int().min(0).max(32).default(0),
        /** At most so many degrees to each side. */
        rotateDegrees: z.number().positive().max(180).optional(),
        /** Values become v · (1 + a) + b, a and b drawn from ± this. */
        intensity: z.number().positive().max(1).optional(),
        /** Smooth displacements of at most so many pixels. */
        elasticPixels: z.number().positive().max(32).optional(),
      })
      .prefault({}),
  })
  .refine(({ loss, focalGamma }) => loss === 'focal' || focalGamma === undefined, {
    path: ['focalGamma'],
    message: 'a focal loss that it belongs to',
  });

export const planSchema = z
  .strictObject({
    schema: z.literal('consilium.plan/1'),
    study: studyName,
    title: line,
    purpose: text,
    federation: z.string().regex(NAME_PATTERN, 'a federation name of lower-case letters, digits and hyphens'),
    sites: z
      .array(siteName)
      .min(1)
      .max(1000)
      .refine((names) => new Set(names).size === names.length, 'site names, each once')
      .meta({ uniqueItems: true }),
    task: z.strictObject({
      kind: z.literal('binary-classification'),
      /** The class that counts as positive comes second. */
      classes: z.tuple([className, className]),
    }),
    preprocessing: z.strictObject({
      /** Images are resized (area average) to [height, width]. */
      size: z.tuple([z.int().min(8).max(512), z.int().min(8).max(512)]),
      /** `per-image`: minus its mean, divided by its standard deviation. `unit`: stored range to [0, 1]. */
      normalise: z.enum(['per-image', 'unit']),
    }),
    model: graphSchema,
    training: trainingSchema,
    rounds: z.strictObject({
      count: z.int().min(1).max(10_000),
      /** A round with fewer updates than this is repeated. */
      minSites: z.int().min(1).max(1000),
      deadlineSeconds: z.number().positive().max(604_800),
      maxAttempts: z.int().min(1).max(100).default(3),
      /** The global model is measured at the sites every so many rounds, and always at the end. */
      evaluateEvery: z.int().min(1).max(10_000).default(1),
    }),
    aggregation: z.strictObject({
      method: z.literal('fedavg'),
      /** `examples`: each site counts by its training samples. */
      weighting: z.enum(['examples', 'equal']).default('examples'),
      /** Largest Euclidean norm of an update; a larger one is refused. */
      normBound: z.number().positive().max(1e6),
    }),
    privacy: z.strictObject({
      /** `plain`: the coordinator sees each update, and updates can reveal images. */
      mode: z.literal('plain', 'plain (secure aggregation and differential privacy are not yet supported)'),
    }),
    audit: z
      .strictObject({
        /** Whether the coordinator keeps every update, so that an auditor can compute each model again. */
        retainUpdates: z.boolean().default(false),
      })
      .prefault({}),
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1),
    /** Both are left away in a draft; the coordinator fills them in from the study and the roster before it is signed. */
    governance: governanceSchema.optional(),
    roster: rosterSchema.optional(),
  })
  .refine((plan) => plan.rounds.minSites <= plan.sites.length, {
    path: ['rounds', 'minSites'],
    message: 'at most the number of sites',
  })
  .refine(
    ({ training, model }) =>
      training.frozen?.every((name) => model.layers.some((layer) => layer.name === name)) ?? true,
    {
      path: ['training', 'frozen'],
      message: 'names of the model’s layers',
    },
  )
  .refine((plan) => !plan.roster || sameNames(plan.sites, Object.keys(plan.roster.sites)), {
    path: ['roster', 'sites'],
    message: 'a key for each of the plan’s sites and for no other',
  });

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && new Set([...a, ...b]).size === a.length;

/** A plan whose form was checked and whose defaults are filled in; only `parsePlan` makes one. */
export type Plan = z.infer<typeof planSchema> & { readonly __checked: 'Plan' };

export type PlanRoster = z.infer<typeof rosterSchema>;

/** SHA-256 of the canonical JSON of the completed plan: writing a default out or leaving it away is the same plan. */
export const planDigest = (plan: Plan): Digest => digestOfJson(plan);

/** The plan as RFC 8785 canonical JSON: what sites approve and what the digest is taken over. */
export const planCanonicalJson = (plan: Plan): string => canonicalJson(plan);

/**
 * The plan's form as JSON Schema 2020-12, for completion in an editor: what an author may write, defaults left away.
 * What ties two fields together (the quorum, the layers' shapes) no schema can say; only `parsePlan` checks it.
 */
export const planJsonSchema = (): object => ({
  title: 'Consilium plan',
  ...z.toJSONSchema(planSchema, { io: 'input', target: 'draft-2020-12' }),
});
