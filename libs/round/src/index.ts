export { governanceSchema, LEGAL_BASES, MODALITIES, type Governance } from './governance.js';
export { isJurisdiction } from './jurisdiction.js';
export { learningRateAt } from './learning-rate.js';
export { parsePlan, planProblems, type PlanProblem } from './parse-plan.js';
export { planCanonicalJson, planDigest, planJsonSchema, planSchema, type Plan, type PlanRoster } from './plan.js';
export {
  completePlan,
  ethicsEndMs,
  requireInForce,
  requireSignedTerms,
  type RosterKeys,
  type SignedPlan,
} from './signed-terms.js';
export {
  isRoundOver,
  startRound,
  step,
  type Abandoned,
  type AbandonReason,
  type Aggregation,
  type Dropped,
  type DropReason,
  type Published,
  type Reporting,
  type Round,
  type RoundEffect,
  type RoundEvent,
  type RoundRefusal,
  type RoundStep,
  type RoundTerms,
  type Selection,
} from './round.js';
export {
  isRunOver,
  startRun,
  stepRun,
  type Approval,
  type Evaluating,
  type Paused,
  type Run,
  type RunEffect,
  type RunEvent,
  type RunRefusal,
  type RunStep,
  type RunTerms,
  type Training,
} from './run.js';
