import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binaryCrossEntropy, sigmoid } from './loss.js';

const LOGITS = Float32Array.of(-3.5, -0.25, 0, 0.75, 4.0);
const LABELS = Uint8Array.of(1, 0, 1, 1, 0);

const expectClose = (came: Float32Array, expected: number[]): void =>
  expected.forEach((value, i) => expect(came[i]).toBeCloseTo(value, 6));

describe('binary cross-entropy', () => {
  // Computed with NumPy (logaddexp) and SciPy (expit) in float64.
  it('is the mean of softplus(z) − z·y, and its gradient (σ(z) − y) / n', () => {
    const { loss, gradient } = binaryCrossEntropy(LOGITS, LABELS, [1, 1]);
    expect(loss).toBeCloseTo(1.8407715905488238, 12);
    expectClose(gradient, [-0.19413755, 0.0875647, -0.1, -0.06416426, 0.19640276]);
  });

  it('counts each class by its weight', () => {
    const { loss, gradient } = binaryCrossEntropy(LOGITS, LABELS, [2, 0.75]);
    expect(loss).toBeCloseTo(2.529101029860781, 12);
    expectClose(gradient, [-0.14560317, 0.1751294, -0.075, -0.0481232, 0.39280552]);
  });

  it('is ln 2 at a logit of zero, where the gradient is ±½', () => {
    const { loss, gradient } = binaryCrossEntropy(Float32Array.of(0, 0), Uint8Array.of(0, 1), [1, 1]);
    expect(loss).toBeCloseTo(Math.LN2, 15);
    expect([...gradient]).toEqual([0.25, -0.25]);
  });

  it.each([
    [1000, 1, 0],
    [1000, 0, 1000],
    [-1000, 0, 0],
    [-1000, 1, 1000],
  ])('does not overflow at a logit of %d for label %d', (logit, label, expected) => {
    const { loss, gradient } = binaryCrossEntropy(Float32Array.of(logit), Uint8Array.of(label), [1, 1]);
    expect(loss).toBe(expected);
    expect(Number.isFinite(gradient[0])).toBe(true);
  });

  it('is not a number for a logit that is none, so that training stops', () => {
    expect(binaryCrossEntropy(Float32Array.of(NaN), Uint8Array.of(1), [1, 1]).loss).toBeNaN();
  });

  it('has the gradient that finite differences show', () => {
    fc.assert(
      fc.property(fc.float({ min: -20, max: 20, noNaN: true }), fc.integer({ min: 0, max: 1 }), (logit, label) => {
        // Logits that float32 holds with both neighbours.
        const z = Math.round(logit * 256) / 256;
        const at = (value: number): number =>
          binaryCrossEntropy(Float32Array.of(value), Uint8Array.of(label), [1, 1]).loss;
        const h = 1 / 256;
        const { gradient } = binaryCrossEntropy(Float32Array.of(z), Uint8Array.of(label), [1, 1]);
        expect(gradient[0]).toBeCloseTo((at(z + h) - at(z - h)) / (2 * h), 4);
      }),
    );
  });
});

describe('sigmoid', () => {
  it('stays in [0, 1] and is symmetric, however large the logit', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e4, max: 1e4, noNaN: true }), (z) => {
        expect(sigmoid(z)).toBeGreaterThanOrEqual(0);
        expect(sigmoid(z)).toBeLessThanOrEqual(1);
        expect(sigmoid(z) + sigmoid(-z)).toBeCloseTo(1, 12);
      }),
    );
  });
});
