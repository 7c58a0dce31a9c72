import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePlan, planCanonicalJson, planDigest, planJsonSchema } from './index.js';
import { smallPlan, smallPlanWrittenOut } from './plan.fixture.js';
import { governance, keyOf } from './signed-terms.fixture.js';

/** A plan with one field replaced, or taken out by `undefined`. */
const changed = (path: string, value: unknown): unknown => {
  const plan = smallPlan() as Record<string, unknown>;
  const keys = path.split('.');
  const last = keys.pop()!;
  let at = plan;
  for (const key of keys) at = (at[key] ??= {}) as Record<string, unknown>;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return plan;
};

const accepts = (value: unknown): boolean => {
  try {
    parsePlan(value);
    return true;
  } catch {
    return false;
  }
};

/** The same value with the keys of every object in another order. */
const shuffled = (value: unknown, order: readonly number[]): unknown => {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, order));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item], i) => ({ key, item, at: order[i % order.length]! }));
  entries.sort((a, b) => a.at - b.at);
  return Object.fromEntries(entries.map(({ key, item }) => [key, shuffled(item, order)]));
};

describe('the digest of a plan', () => {
  it('is the SHA-256 that Python computes over the completed plan', () => {
    // hashlib.sha256(json.dumps(plan, sort_keys=True, separators=(',', ':'), ensure_ascii=False).encode())
    // over the plan with its defaults written by hand; equal to RFC 8785 for these numbers and ASCII keys.
    expect(planDigest(parsePlan(smallPlan()))).toBe('692d3adfd47a39080f9f45bbc6278ca60d22d38208e5f4456157d9298d8cfbe0');
  });

  it('is the same when defaults are written out and keys stand in another order', () => {
    expect(planCanonicalJson(parsePlan(smallPlanWrittenOut()))).toBe(planCanonicalJson(parsePlan(smallPlan())));
    expect(planDigest(parsePlan(smallPlanWrittenOut()))).toBe(planDigest(parsePlan(smallPlan())));
  });

  it('does not depend on the order of keys at any depth', () => {
    const digest = planDigest(parsePlan(smallPlan()));
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 20 }), (order) => {
        expect(planDigest(parsePlan(shuffled(smallPlan(), order)))).toBe(digest);
      }),
      { numRuns: 100 },
    );
  });

  it('changes with every field that changes what is computed', () => {
    const changes: [string, unknown][] = [
      ['seed', 2],
      ['purpose', 'Another.'],
      ['sites', ['aarhus', 'berlin', 'constructor']],
      ['training.localSteps', 11],
      ['training.optimizer.learningRate', 0.0010000000000000002],
      ['aggregation.weighting', 'equal'],
      ['rounds.deadlineSeconds', 601],
      ['audit', { retainUpdates: true }],
      ['training.loss', 'focal'],
      ['training.clipNorm', 1],
      ['training.proximal', 0.01],
      ['training.frozen', ['conv']],
      ['training.roundSchedule', { shape: 'cosine' }],
      ['training.roundSchedule', { shape: 'cosine', warmUpSteps: 2 }],
      ['training.augmentation', { rotateDegrees: 10 }],
      ['training.augmentation', { intensity: 0.1 }],
      ['training.augmentation', { elasticPixels: 2 }],
    ];
    const digests = changes.map(([path, value]) => planDigest(parsePlan(changed(path, value))));
    expect(new Set([...digests, planDigest(parsePlan(smallPlan()))]).size).toBe(changes.length + 1);
  });

  it('survives a journey through the canonical JSON', () => {
    const plan = parsePlan(smallPlan());
    expect(parsePlan(JSON.parse(planCanonicalJson(plan)))).toEqual(plan);
  });
});

describe('the JSON Schema of a plan', () => {
  const validate = new Ajv2020({ strict: false, formats: { date: true } }).compile(planJsonSchema());

  it('names the 2020-12 dialect', () => {
    expect(planJsonSchema()).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
  });

  it('accepts a plan with and without its defaults', () => {
    expect(validate(smallPlan())).toBe(true);
    expect(validate(smallPlanWrittenOut())).toBe(true);
  });

  const spots: [string, unknown][] = [
    ['schema', 'consilium.plan/2'],
    ['study', 'Lung Nodule'],
    ['study', '-lung'],
    ['title', ''],
    ['title', 'two\nlines'],
    ['title', 'x'.repeat(200)],
    ['title', 'x'.repeat(201)],
    ['purpose', 'red \u001b[31m text'],
    ['purpose', 'Zweck: Prüfung'],
    ['federation', undefined],
    ['sites', []],
    ['sites', ['berlin', 'berlin']],
    ['sites', 'berlin'],
    ['task.classes', ['benign']],
    ['task.classes', ['benign', 'malignant', 'unsure']],
    ['preprocessing.size', [8]],
    ['preprocessing.size', [8, 7]],
    ['preprocessing.normalise', 'none'],
    ['training.optimizer', { type: 'sgd', learningRate: 0.5 }],
    ['training.optimizer', { type: 'sgd', learningRate: 0 }],
    ['training.optimizer', { type: 'sgd', learningRate: 0.5, beta1: 0.9 }],
    ['training.optimizer', { type: 'adam', learningRate: 0.2 }],
    ['training.batchSize', 1.5],
    ['training.batchSize', '16'],
    ['training.localSteps', 0],
    ['training.augmentation', {}],
    ['training.augmentation', { shiftPixels: 33 }],
    ['training.augmentation', { rotateDegrees: 0 }],
    ['training.augmentation', { rotateDegrees: 15, intensity: 0.2, elasticPixels: 1.5 }],
    ['training.loss', 'focal'],
    ['training.loss', 'dice'],
    ['training.clipNorm', 1],
    ['training.clipNorm', 0],
    ['training.proximal', -1],
    ['training.frozen', []],
    ['training.roundSchedule', { shape: 'step', every: 5, factor: 0.5, warmUpSteps: 3 }],
    ['training.roundSchedule', { shape: 'step' }],
    ['training.roundSchedule', { shape: 'cosine', every: 5 }],
    ['training.surplus', 1],
    ['rounds.deadlineSeconds', 0.5],
    ['rounds.deadlineSeconds', -1],
    ['aggregation.method', 'median'],
    ['aggregation.normBound', 1e7],
    ['audit', {}],
    ['governance', governance()],
    ['governance', { ...governance(), jurisdictions: [] }],
    ['governance', { ...governance(), legalBasis: 'gdpr' }],
    ['governance.ethics', { number: 'EK 1', authority: 'Board', expires: '30 June 2027' }],
    ['roster', { version: 0, digest: 'ab', coordinator: keyOf(9), sites: {} }],
    ['roster.sites', { Berlin: keyOf(2) }],
    ['audit', { retainUpdates: 'yes' }],
    ['privacy.mode', 'secure-aggregation'],
    ['privacy.epsilon', 1],
    ['seed', -1],
    ['seed', 2 ** 32],
    ['seed', 2 ** 32 - 1],
    ['surplus', true],
  ];
  it.each(spots)('agrees with parsePlan on %s = %j', (path, value) => {
    expect(validate(changed(path, value))).toBe(accepts(changed(path, value)));
  });

  it('was asked about plans of both kinds', () => {
    const answers = spots.map(([path, value]) => accepts(changed(path, value)));
    expect(answers.filter(Boolean).length).toBeGreaterThan(4);
    expect(answers.filter((accepted) => !accepted).length).toBeGreaterThan(20);
  });
});
