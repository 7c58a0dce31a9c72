import { describe, expect, it } from 'vitest';
import { applyHead, type Head } from './head.js';

const after = (head: Head, values: number[], channels = 1): number[] => {
  const result = Float32Array.from(values);
  applyHead(head, result, channels);
  return [...result];
};

describe('the head of a model', () => {
  it('turns each logit into a probability', () => {
    expect(after('sigmoid', [0, Math.log(3), -200])).toEqual([0.5, 0.75, expect.closeTo(0, 12)]);
  });

  it('turns the logits of the last axis into probabilities of classes', () => {
    const came = after('softmax', [0, Math.log(2), Math.log(5), 1000, 0, 0], 3);
    [1 / 8, 2 / 8, 5 / 8, 1, 0, 0].forEach((value, i) => expect(came[i]).toBeCloseTo(value, 6));
  });

  it('leaves risks and values as they are', () => {
    expect(after('none', [-3, 0.5])).toEqual([-3, 0.5]);
  });
});
