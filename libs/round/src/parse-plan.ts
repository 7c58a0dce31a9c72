import { inferShapes } from '@consilium/model';
import { Fault, parseShape, shapeProblems } from '@consilium/stdx';
import { planSchema, type Plan } from './plan.js';

export interface PlanProblem {
  /** Field path, as `rounds.minSites`. */
  readonly path: string;
  readonly expected: string;
  /** What kind of thing came, never the value itself. */
  readonly came: string;
}

/**
 * A value from outside as a plan with its defaults filled in.
 *
 * Faults: PLAN_NOT_SUPPORTED for a privacy mode or a differential-privacy field that this release lacks (never silently
 * ignored: a site must not believe itself protected); PLAN_INVALID with `path`, `expected` and `came`; GRAPH_INVALID
 * where the model's layers do not fit together.
 */
export function parsePlan(value: unknown): Plan {
  const [unsupported] = unsupportedPrivacy(value);
  if (unsupported) throw new Fault('PLAN_NOT_SUPPORTED', { ...unsupported });
  const plan = parseShape(planSchema, value, 'PLAN_INVALID');
  const misfits = modelMisfits(plan as Plan);
  if (misfits[0]) throw new Fault('PLAN_INVALID', { ...misfits[0], problems: misfits.length });
  return plan as Plan;
}

/** Everything that {@link parsePlan} would refuse, in the order of the plan; empty when it accepts. */
export function planProblems(value: unknown): readonly PlanProblem[] {
  const unsupported = unsupportedPrivacy(value);
  const told = new Set(unsupported.map(({ path }) => path));
  const malformed = shapeProblems(planSchema, value).filter(({ path }) => !told.has(path));
  if (unsupported.length + malformed.length > 0) return [...malformed, ...unsupported];
  try {
    return modelMisfits(planSchema.parse(value) as Plan);
  } catch (error) {
    if (!Fault.is(error, 'GRAPH_INVALID')) throw error;
    return [{ path: 'model.layers', expected: error.message, came: 'layers that do not fit' }];
  }
}

/** The words of differential privacy (Dwork and Roth 2014; Abadi et al. 2016), under which a plan might ask for it. */
const PRIVACY_FIELDS = new Set([
  'epsilon',
  'delta',
  'clipNorm',
  'noiseMultiplier',
  'noiseStddev',
  'mechanism',
  'accountant',
  'unit',
]);

function unsupportedPrivacy(value: unknown): PlanProblem[] {
  const privacy = isRecord(value) ? value['privacy'] : undefined;
  if (!isRecord(privacy)) return [];
  const problems: PlanProblem[] = Object.keys(privacy)
    .filter((field) => PRIVACY_FIELDS.has(field))
    .map((field) => ({ path: `privacy.${field}`, expected: 'no such field', came: 'differential privacy' }));
  const mode = privacy['mode'];
  if (typeof mode === 'string' && mode !== 'plain') {
    problems.unshift({ path: 'privacy.mode', expected: 'plain', came: 'another mode' });
  }
  return problems;
}

/** The images that preprocessing makes must fit the model, and its one output is the logit of the positive class. */
function modelMisfits({ model, preprocessing }: Plan): readonly PlanProblem[] {
  const problems: PlanProblem[] = [];
  const misfit = (path: string, expected: readonly number[], came: readonly number[] | undefined): void => {
    const [wanted, got] = [shown(expected), shown(came ?? [])];
    if (wanted !== got) problems.push({ path, expected: wanted, came: got });
  };
  const shapes = inferShapes(model);
  model.layers.forEach((layer, i) => {
    if (layer.type === 'input') misfit(`model.layers.${i}.shape`, [...preprocessing.size, 1], layer.shape);
  });
  const last = model.layers.length - 1;
  misfit(`model.layers.${last}`, [1], shapes.get(model.layers[last]!.name));
  return problems;
}

const shown = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
