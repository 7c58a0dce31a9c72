import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auc } from './auc.js';
import { concordance, concordanceEstimate } from './concordance.js';
import { diceScore, meanDice } from './dice-score.js';
import { multiClassAuc } from './multi-class-auc.js';

const OPTIONS = { method: 'percentile', seed: [1], resamples: 200 } as const;

describe('the AUC of several classes', () => {
  const labels = Uint8Array.of(0, 1, 2, 2, 1, 0, 2, 1, 0, 2);
  // prettier-ignore
  const scores = Float32Array.of(
    0.6, 0.3, 0.1, 0.2, 0.5, 0.3, 0.1, 0.2, 0.7, 0.3, 0.4, 0.3, 0.5, 0.3, 0.2,
    0.4, 0.4, 0.2, 0.2, 0.2, 0.6, 0.1, 0.6, 0.3, 0.3, 0.5, 0.2, 0.25, 0.5, 0.25,
  );

  it('is the macro one-versus-rest mean of scikit-learn', () => {
    // sklearn.metrics.roc_auc_score(multi_class='ovr', average='macro')
    const came = multiClassAuc(labels, scores, 3, OPTIONS)!;
    expect(came.value).toBeCloseTo(0.8313492063492064, 12);
    expect(came.low).toBeLessThan(came.value);
    expect(came.high).toBeLessThanOrEqual(1);
  });

  it('of two classes whose scores are opposite is the AUC', () => {
    const binary = Uint8Array.of(0, 1, 0, 1, 1, 0);
    const positive = Float32Array.of(0.1, 0.4, 0.35, 0.8, 0.7, 0.6);
    const both = Float32Array.from([...positive].flatMap((p) => [-p, p]));
    expect(multiClassAuc(binary, both, 2, OPTIONS)!.value).toBeCloseTo(auc(binary, positive)!.value, 12);
  });

  it('is undefined where a class has no sample', () => {
    expect(multiClassAuc(Uint8Array.of(0, 1), new Float32Array(6), 3, OPTIONS)).toBeNull();
  });
});

describe('the Dice score', () => {
  it('is twice the overlap over both sizes', () => {
    expect(diceScore(Uint8Array.of(1, 1, 1, 0, 0), Float32Array.of(0.9, 0.5, 0.1, 0.8, 0))).toBe((2 * 2) / (3 + 3));
  });

  it('is one for two empty masks, and zero for masks apart', () => {
    expect(diceScore(new Uint8Array(3), new Float32Array(3))).toBe(1);
    expect(diceScore(Uint8Array.of(1, 0), Float32Array.of(0, 1))).toBe(0);
  });

  it('of several samples is their mean, each counting alike', () => {
    const masks = Uint8Array.of(1, 1, 1, 1, 0, 0, 0, 1);
    const found = Float32Array.of(1, 1, 1, 1, 0, 0, 1, 0);
    const { value, low, high } = meanDice(masks, found, 2)!;
    expect(value).toBe(0.5);
    expect([low, high]).toEqual([0, 1]);
    expect(meanDice(new Uint8Array(), new Float32Array(), 0)).toBeNull();
  });

  it('is symmetric', () => {
    const mask = fc.array(fc.nat({ max: 1 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(mask, mask, (a, b) => {
        expect(diceScore(Uint8Array.from(a), Float32Array.from(b))).toBe(
          diceScore(Uint8Array.from(b), Float32Array.from(a)),
        );
      }),
    );
  });
});

describe('the concordance index', () => {
  const times = [5, 3, 3, 8, 2, 8, 1, 6, 3, 7];
  const events = [1, 1, 1, 0, 0, 1, 1, 0, 0, 1];
  const risks = Float32Array.of(0.5, -0.25, 1, 0, -1.5, 0.75, 0.5, -0.5, 1, -2);
  const targets = Float32Array.from(times.flatMap((time, i) => [time, events[i]!]));

  it('is that of lifelines', () => {
    // lifelines.utils.concordance_index 0.30, of the negative risks
    expect(concordance(targets, risks)).toBeCloseTo(0.6071428571428571, 12);
  });

  it('is one for the right order, zero for the opposite and one half for equal risks', () => {
    const ordered = Float32Array.of(1, 1, 2, 1, 3, 0);
    expect(concordance(ordered, Float32Array.of(3, 2, 1))).toBe(1);
    expect(concordance(ordered, Float32Array.of(1, 2, 3))).toBe(0);
    expect(concordance(ordered, new Float32Array(3))).toBe(0.5);
  });

  it('is undefined where nobody is known to have been first', () => {
    expect(concordance(Float32Array.of(1, 0, 2, 0), Float32Array.of(1, 2))).toBeNull();
  });

  it('has a bootstrap interval', () => {
    const { value, low, high } = concordanceEstimate(targets, risks, OPTIONS)!;
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
  });

  it('without events of equal time is the AUC of who had the event first', () => {
    // One event, before everybody else: the pairs are this one with each other.
    const late = Float32Array.of(1, 1, 5, 0, 6, 0, 7, 0);
    const scores = Float32Array.of(0.5, 0.2, 0.7, 0.5);
    expect(concordance(late, scores)).toBe(auc(Uint8Array.of(1, 0, 0, 0), scores)!.value);
  });
});
