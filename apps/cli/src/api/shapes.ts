import type { Governance } from '@consilium/round';
import { CODES, type Code } from '@consilium/stdx';
import { z } from 'zod';
import { RUN_STATES } from '../run/states.js';

/**
 * What the coordinator's HTTP API answers, as far as this program reads it. Unknown fields are ignored, so that a newer
 * coordinator can still be asked; a missing or wrong one is `MESSAGE_MALFORMED`.
 */
const interval = z.object({ value: z.number(), low: z.number(), high: z.number() });
const measured = interval.nullable();

/** Measures of one model on one test split, each with its 95 % confidence interval; null where it is undefined. */
export const metricsShape = z.object({
  loss: measured,
  auc: measured,
  accuracy: measured,
  sensitivity: measured,
  specificity: measured,
  brier: measured,
  examples: z.int().min(0),
});

const code = z.string().transform((text): Code => (CODES.includes(text as Code) ? (text as Code) : 'INTERNAL'));

const runSiteShape = z.object({
  name: z.string(),
  connected: z.boolean(),
  decision: z.enum(['pending', 'approved', 'rejected']),
  /** Optimiser steps done in this round, of `steps`. */
  step: z.number(),
  steps: z.number(),
  loss: z.number().nullable(),
  examples: z.number().nullable(),
  bytesUp: z.number(),
  bytesDown: z.number(),
  dropped: z.string().nullable(),
  metrics: metricsShape.nullable(),
});

const passShape = z.object({
  round: z.number(),
  attempt: z.number(),
  outcome: z.string(),
  /** Why an abandoned one was. */
  reason: z.string().nullish(),
  contributors: z.array(z.string()),
  loss: z.number().nullable(),
  /** Mean over the sites of the model before this round. */
  auc: z.number().nullable(),
  modelDigest: z.string().nullable(),
  startedMs: z.number(),
  endedMs: z.number().nullable(),
});

export const runShape = z.object({
  id: z.string(),
  study: z.string(),
  planDigest: z.string(),
  state: z.enum(RUN_STATES),
  code: code.nullable(),
  createdMs: z.number(),
  endedMs: z.number().nullable(),
  round: z.number(),
  rounds: z.number(),
  attempt: z.number(),
  sites: z.array(runSiteShape),
  history: z.array(passShape),
  modelDigest: z.string().nullable(),
});

export const sitesShape = z.object({
  sites: z.array(
    z.object({
      name: z.string(),
      connected: z.boolean(),
      /** Of an older coordinator: that it was here is all that is known. */
      standing: z.enum(['enrolled', 'revoked', 'left']).default('enrolled'),
      jurisdiction: z.string().nullable().default(null),
      certificateEndsMs: z.number().nullable().default(null),
      lastSeenMs: z.number().nullable(),
      software: z.string().nullable(),
    }),
  ),
});

export const inviteShape = z.object({ token: z.string(), id: z.string(), site: z.string(), expiresMs: z.number() });
export const enrolmentsShape = z.object({
  enrolments: z.array(
    z.object({
      site: z.string(),
      kind: z.enum(['join', 'rekey']),
      /** Base64 of the key that waits; its six words are computed here and not taken from the coordinator. */
      signing: z.string(),
      jurisdiction: z.string(),
      askedMs: z.number(),
    }),
  ),
});
/** Base64 of the signed document. */
export const rosterShape = z.object({ document: z.base64() });
/** What became of a site. */
export const decidedShape = z.object({ site: z.string(), standing: z.enum(['enrolled', 'refused', 'revoked']) });

const studyShape = z.object({ name: z.string(), title: z.string(), purpose: z.string(), createdMs: z.number() });
const planListed = z.object({ digest: z.string(), createdMs: z.number() });

/** Lists come as `{<plural>: […]}` or as a bare array. */
const listOf = <T extends z.ZodType>(key: string, item: T) =>
  z.preprocess(
    (value) => (Array.isArray(value) ? value : (value as Record<string, unknown> | null)?.[key]),
    z.array(item),
  );

const runListed = runShape.pick({
  id: true,
  study: true,
  planDigest: true,
  state: true,
  createdMs: true,
  round: true,
  rounds: true,
  modelDigest: true,
});

export const createdStudyShape = studyShape;
export const studiesShape = listOf('studies', studyShape);
export const studyDetailShape = studyShape.extend({ plans: z.array(planListed), runs: z.array(runListed) });
export const completedPlanShape = z.object({ digest: z.string(), plan: z.unknown() });
export const planDetailShape = z.object({
  digest: z.string(),
  study: z.string(),
  createdMs: z.number(),
  plan: z.unknown(),
  /** Base64 of the document with all signatures so far. */
  envelope: z.string().nullable(),
  signers: z.array(z.object({ person: z.string(), roles: z.array(z.string()) })),
  /** Why it may not run now; null where it may. */
  refusal: code.nullable(),
});
export const runsShape = listOf('runs', runListed);

const modelListed = z.object({
  digest: z.string(),
  planDigest: z.string(),
  run: z.string(),
  round: z.number(),
  createdMs: z.number(),
});
export const modelsShape = listOf('models', modelListed);
/** A published version; `manifest`, `metrics` and `rounds` are shown and stored as they came. */
export const modelDetailShape = modelListed.extend({
  manifest: z.unknown(),
  metrics: z.unknown(),
  rounds: z.unknown(),
});

export const errorShape = z.object({
  error: z.object({
    code: z.string(),
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  }),
});

export type Metrics = z.infer<typeof metricsShape>;
export type Run = z.infer<typeof runShape>;
export type RunSite = Run['sites'][number];
export type RoundPass = Run['history'][number];
export type RunListed = z.infer<typeof runListed>;
export type Site = z.infer<typeof sitesShape>['sites'][number];
export type Invite = z.infer<typeof inviteShape>;
export type Decided = z.infer<typeof decidedShape>;
export type Enrolment = z.infer<typeof enrolmentsShape>['enrolments'][number];
export type CompletedPlan = z.infer<typeof completedPlanShape>;
export type PlanDetail = z.infer<typeof planDetailShape>;
export type Study = z.infer<typeof studyShape>;
/** What a study is registered with. */
export interface NewStudy extends Governance {
  readonly name: string;
  readonly title: string;
  readonly purpose: string;
  /** The hospitals that its plans may ask. */
  readonly sites: readonly string[];
}
export type StudyDetail = z.infer<typeof studyDetailShape>;
export type ModelListed = z.infer<typeof modelListed>;
export type ModelDetail = z.infer<typeof modelDetailShape>;
