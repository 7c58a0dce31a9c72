export { learningRateAt } from './learning-rate.js';
export { parsePlan, planProblems, type PlanProblem } from './parse-plan.js';
export { planCanonicalJson, planDigest, planJsonSchema, planSchema, type Plan } from './plan.js';
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
