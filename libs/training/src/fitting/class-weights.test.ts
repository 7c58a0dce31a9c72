import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classWeightsOf } from './class-weights.js';

describe('class weights', () => {
  it('are those of scikit-learn’s “balanced”', () => {
    // compute_class_weight('balanced', classes=[0, 1], y=[0]*90+[1]*10) gives 0.5555…, 5.
    const labels = Uint8Array.from({ length: 100 }, (_, i) => (i < 10 ? 1 : 0));
    expect(classWeightsOf('balanced', labels)).toEqual([100 / 180, 5]);
  });

  it('are those of scikit-learn for several classes, too', () => {
    // compute_class_weight('balanced', classes=[0, 1, 2], y=[0, 0, 0, 1, 1, 2]) gives 2/3, 1, 2.
    const weights = classWeightsOf('balanced', Uint8Array.of(0, 1, 0, 2, 1, 0), 3);
    [2 / 3, 1, 2].forEach((weight, label) => expect(weights[label]).toBeCloseTo(weight, 12));
  });

  it('are one for a class that does not occur, and balance the others', () => {
    expect(classWeightsOf('balanced', Float32Array.of(0, 2, 2, 2), 3)).toEqual([2, 1, 4 / 6]);
  });

  it('are not made of what is no class number', () => {
    expect(() => classWeightsOf('balanced', Float32Array.of(0.5))).toThrow('class number');
    expect(() => classWeightsOf('balanced', Uint8Array.of(2))).toThrow('class number');
  });

  it('give both classes the same share and keep the mean at one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 200 }), (negatives, positives) => {
        const labels = Uint8Array.from({ length: negatives + positives }, (_, i) => (i < positives ? 1 : 0));
        const [negative, positive] = classWeightsOf('balanced', labels) as [number, number];
        expect(negative * negatives).toBeCloseTo(positive * positives, 9);
        expect((negative * negatives + positive * positives) / labels.length).toBeCloseTo(1, 9);
      }),
    );
  });

  it.each([
    ['one class only', Uint8Array.of(1, 1, 1)],
    ['the other class only', Uint8Array.of(0, 0)],
    ['no sample', new Uint8Array()],
  ])('are one where nothing can be balanced: %s', (_, labels) => {
    expect(classWeightsOf('balanced', labels)).toEqual([1, 1]);
  });

  it('are one when they are off', () => {
    expect(classWeightsOf('none', Uint8Array.of(0, 0, 0, 1))).toEqual([1, 1]);
  });
});
