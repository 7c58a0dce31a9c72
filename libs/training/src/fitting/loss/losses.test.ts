import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gradientDistance, onGrid } from './finite-differences.fixture.js';
import type { Loss, LossName, LossTerms, Targets } from './loss.js';
import { hasClasses, isSeparable, LOSSES, targetsOf } from './losses.js';

const ALIKE = [1, 1, 1];

interface Golden {
  readonly of: string;
  readonly name: LossName;
  readonly logits: readonly number[];
  readonly targets: Targets;
  readonly terms: LossTerms;
  readonly loss: number;
  readonly gradient: readonly number[];
}

const BINARY = { logits: [-3.5, -0.25, 0, 0.75, 4], targets: Uint8Array.of(1, 0, 1, 1, 0) };
const CLASSES = { logits: [0.5, -1.25, 2, 0, 0, 0, 3, -0.5, -2, 1, 1.5, -0.25], targets: Uint8Array.of(2, 0, 1, 1) };

// PyTorch 2.15 in float64: binary_cross_entropy_with_logits, cross_entropy and mse_loss; focal, Dice and Cox from
// their formulas with its automatic gradients, Cox with Breslow's ties by a double loop.
// prettier-ignore
const GOLDEN: readonly Golden[] = [
  {
    of: 'binary cross-entropy', name: 'binary-cross-entropy', ...BINARY,
    terms: { count: 5, channels: 1, classWeights: ALIKE },
    loss: 1.8407715905488238, gradient: [-0.19413755, 0.0875647, -0.1, -0.06416426, 0.19640276],
  },
  {
    of: 'weighted binary cross-entropy', name: 'binary-cross-entropy', ...BINARY,
    terms: { count: 5, channels: 1, classWeights: [2, 0.75] },
    loss: 2.529101029860781, gradient: [-0.145603165, 0.1751294, -0.075, -0.048123195, 0.392805516],
  },
  {
    of: 'focal loss', name: 'focal', ...BINARY,
    terms: { count: 5, channels: 1, classWeights: ALIKE },
    loss: 1.5048536429816326, gradient: [-0.221918423, 0.041611276, -0.059657359, -0.017421932, 0.217279171],
  },
  {
    of: 'weighted focal loss', name: 'focal', ...BINARY,
    terms: { count: 5, channels: 1, classWeights: [2, 0.75], focalGamma: 1.5 },
    loss: 2.1844918699879523, gradient: [-0.161511946, 0.107014385, -0.054086265, -0.019487836, 0.42445384],
  },
  {
    of: 'cross-entropy of classes', name: 'softmax-cross-entropy', ...CLASSES,
    terms: { count: 4, channels: 3, classWeights: ALIKE },
    loss: 1.3610720779827887,
    gradient: [0.044205046, 0.007681685, -0.051886731, -0.166666667, 0.083333333, 0.083333333,
      0.241095074, -0.24271956, 0.001624486, 0.085172315, -0.109574592, 0.024402277],
  },
  {
    of: 'weighted cross-entropy of classes', name: 'softmax-cross-entropy', ...CLASSES,
    terms: { count: 4, channels: 3, classWeights: [2, 0.5, 1.25] },
    loss: 1.136132269073567,
    gradient: [0.055256307, 0.009602106, -0.064858413, -0.333333333, 0.166666667, 0.166666667,
      0.120547537, -0.12135978, 0.000812243, 0.042586158, -0.054787296, 0.012201138],
  },
  {
    of: 'Dice loss', name: 'dice', logits: [0.5, -1, 2, 0.25, -0.75, 1.5, 0, 3, -2, -0.5, 1, 0.75],
    targets: Uint8Array.of(1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0),
    terms: { count: 2, channels: 2, classWeights: ALIKE },
    loss: 0.3960051770778905,
    gradient: [-0.01424268, 0.009729277, -0.006363261, 0.012179864, 0.009378323, -0.01305788,
      0.01131482, 0.001233149, 0.004751934, -0.022892673, 0.008898514, 0.005947697],
  },
  {
    of: 'mean squared error', name: 'mean-squared-error', logits: [0.5, -1, 2, 0.25],
    targets: Float32Array.of(1, 0, 2.5, -0.25),
    terms: { count: 2, channels: 2, classWeights: ALIKE },
    loss: 0.4375, gradient: [-0.25, -0.5, -0.25, 0.25],
  },
  {
    of: 'Cox’s partial likelihood with ties', name: 'cox-partial-likelihood', logits: [0.5, -0.25, 1, 0, -1.5, 0.75],
    targets: Float32Array.of(5, 1, 3, 1, 3, 1, 8, 0, 2, 0, 8, 1),
    terms: { count: 6, channels: 1, classWeights: ALIKE },
    loss: 1.2304619684257634, gradient: [-0.063743788, -0.202873093, -0.085510932, 0.193175428, 0, 0.158952385],
  },
];

describe.each(GOLDEN)('the $of', ({ name, logits, targets, terms, loss, gradient }) => {
  const came = LOSSES[name](Float32Array.from(logits), targets, terms);

  it('has the value and the gradient of PyTorch', () => {
    expect(came.loss).toBeCloseTo(loss, 10);
    gradient.forEach((value, i) => expect(came.gradient[i]).toBeCloseTo(value, 7));
  });

  it('has the gradient that finite differences show', () => {
    expect(gradientDistance(LOSSES[name], Float32Array.from(logits), targets, terms)).toBeLessThan(1e-5);
  });

  it('takes no notice of a sample of weight 0, whatever it holds', () => {
    const outputs = logits.length / terms.count;
    const more = Float32Array.from([...logits, ...new Array<number>(outputs).fill(NaN)]);
    const padded = Float32Array.from([...targets, ...new Array<number>(targets.length / terms.count).fill(1)]);
    const sampleWeights = Float32Array.from({ length: terms.count + 1 }, (_, i) => (i < terms.count ? 1 : 0));
    const masked = LOSSES[name](more, padded, { ...terms, count: terms.count + 1, sampleWeights });
    expect(masked.loss).toBeCloseTo(came.loss, 12);
    expect([...masked.gradient]).toEqual([...came.gradient, ...new Array<number>(outputs).fill(0)]);
  });

  it('is not a number for a logit that is none, so that training stops', () => {
    const broken = Float32Array.from(logits);
    broken[0] = NaN;
    expect(LOSSES[name](broken, targets, terms).loss).toBeNaN();
  });

  it('is the sum of its parts, where it can be taken in parts', () => {
    if (!isSeparable(name)) return;
    const [outputs, wide] = [logits.length / terms.count, targets.length / terms.count];
    const parts = [0, 1].map((part) => {
      const [first, end] = part === 0 ? [0, 1] : [1, terms.count];
      const some = Float32Array.from(logits.slice(first * outputs, end * outputs));
      const of = targets.slice(first * wide, end * wide);
      return LOSSES[name](some, of, { ...terms, count: end - first, total: terms.count });
    });
    expect(parts[0]!.loss + parts[1]!.loss).toBeCloseTo(came.loss, 12);
    expect([...parts[0]!.gradient, ...parts[1]!.gradient]).toEqual([...came.gradient]);
  });
});

describe('a wrong gradient', () => {
  it('is shown by the finite differences', () => {
    const planted: Loss = (logits, targets, terms) => {
      const { loss, gradient } = LOSSES.focal(logits, targets, terms);
      return { loss, gradient: gradient.map((value, i) => (i === 2 ? 0 : value)) };
    };
    const terms = { count: 5, channels: 1, classWeights: ALIKE };
    expect(gradientDistance(planted, Float32Array.from(BINARY.logits), BINARY.targets, terms)).toBeGreaterThan(0.01);
  });
});

describe('any loss', () => {
  const CASES: [LossName, fc.Arbitrary<number>][] = [
    ['binary-cross-entropy', fc.nat({ max: 1 })],
    ['focal', fc.nat({ max: 1 })],
    ['dice', fc.nat({ max: 1 })],
    ['softmax-cross-entropy', fc.nat({ max: 1 })],
    ['mean-squared-error', fc.integer({ min: -5, max: 5 })],
  ];
  it.each(CASES)('has the gradient that finite differences show: %s', (name, target) => {
    const row = fc.record({
      z: fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 2, maxLength: 2 }),
      t: target,
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 4 }), (rows) => {
        const logits = onGrid(rows.flatMap(({ z }) => z));
        const wide = name === 'softmax-cross-entropy' ? 1 : 2;
        const targets = Float32Array.from(rows.flatMap(({ t }) => new Array<number>(wide).fill(t)));
        const terms = { count: rows.length, channels: 2, classWeights: [0.5, 1.5] };
        expect(gradientDistance(LOSSES[name], logits, targets, terms)).toBeLessThan(1e-4);
      }),
    );
  });

  it.each(['binary-cross-entropy', 'focal', 'softmax-cross-entropy', 'dice'] as const)(
    'does not overflow for logits of a thousand: %s',
    (name) => {
      const logits = Float32Array.of(1000, -1000, -1000, 1000);
      const { loss, gradient } = LOSSES[name](logits, Uint8Array.of(0, 1, 1, 0), {
        count: 2,
        channels: 2,
        classWeights: ALIKE,
      });
      expect(Number.isFinite(loss)).toBe(true);
      expect(gradient.every((value) => Number.isFinite(value))).toBe(true);
    },
  );
});

describe('the targets of a sample', () => {
  it('are one for each output, a class for each place, or a time and an event', () => {
    expect(targetsOf('binary-cross-entropy', [1])).toBe(1);
    expect(targetsOf('dice', [8, 8, 2])).toBe(128);
    expect(targetsOf('softmax-cross-entropy', [5])).toBe(1);
    expect(targetsOf('softmax-cross-entropy', [8, 8, 5])).toBe(64);
    expect(targetsOf('cox-partial-likelihood', [1])).toBe(2);
  });

  it('are of classes for three losses, which can be weighted', () => {
    expect((Object.keys(LOSSES) as LossName[]).filter(hasClasses)).toEqual([
      'binary-cross-entropy',
      'softmax-cross-entropy',
      'focal',
    ]);
  });

  it('must name an output where they are class numbers', () => {
    const terms = { count: 1, channels: 2, classWeights: ALIKE };
    expect(() => LOSSES['softmax-cross-entropy'](Float32Array.of(0, 0), Uint8Array.of(2), terms)).toThrow(
      'class number',
    );
  });
});

describe('the focal loss', () => {
  it('without focus is binary cross-entropy', () => {
    const logits = Float32Array.from(BINARY.logits);
    const terms = { count: 5, channels: 1, classWeights: ALIKE };
    const plain = LOSSES['binary-cross-entropy'](logits, BINARY.targets, terms);
    const came = LOSSES.focal(logits, BINARY.targets, { ...terms, focalGamma: 0 });
    expect(came.loss).toBeCloseTo(plain.loss, 12);
    came.gradient.forEach((value, i) => expect(value).toBeCloseTo(plain.gradient[i]!, 7));
  });
});

describe('Cox’s partial likelihood', () => {
  it('of a batch without events teaches nothing', () => {
    const { loss, gradient } = LOSSES['cox-partial-likelihood'](Float32Array.of(1, -2), Float32Array.of(3, 0, 1, 0), {
      count: 2,
      channels: 1,
      classWeights: ALIKE,
    });
    expect(loss).toBe(0);
    expect([...gradient]).toEqual([0, 0]);
  });

  it('does not change when every risk grows alike', () => {
    const targets = Float32Array.of(4, 1, 2, 1, 9, 0);
    const terms = { count: 3, channels: 1, classWeights: ALIKE };
    const at = (by: number): number =>
      LOSSES['cox-partial-likelihood'](Float32Array.of(0.5 + by, -1 + by, 2 + by), targets, terms).loss;
    expect(at(64)).toBeCloseTo(at(0), 10);
  });
});
