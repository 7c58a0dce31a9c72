import { graphSchema } from '@consilium/model';
import { describe, expect, it } from 'vitest';
import { dropoutMasks } from './dropout-masks.js';

const graph = (rate: number) =>
  graphSchema.parse({
    layers: [
      { type: 'input', name: 'image', shape: [10, 10, 2] },
      { type: 'dropout', name: 'first', rate },
      { type: 'flatten', name: 'flat' },
      { type: 'dropout', name: 'second', rate: 0.5 },
      { type: 'dense', name: 'logit', units: 1 },
    ],
  });

describe('the masks of dropout', () => {
  it('are one for each layer that drops, as large as a batch of its output', () => {
    const masks = dropoutMasks(graph(0.2), 4, [1])(1);
    expect(masks.map(([layer, mask]) => [layer, mask.length])).toEqual([
      ['first', 800],
      ['second', 800],
    ]);
    expect(dropoutMasks(graph(0), 4, [1])(1).map(([layer]) => layer)).toEqual(['second']);
  });

  it('keep the share that the layer says', () => {
    const [[, mask]] = dropoutMasks(graph(0.2), 50, [1])(1) as [[string, Uint8Array]];
    const kept = mask.reduce((sum, value) => sum + value, 0) / mask.length;
    expect(kept).toBeCloseTo(0.8, 1);
    expect(new Set(mask)).toEqual(new Set([0, 1]));
  });

  it('are those of their step, in whatever order they are asked for', () => {
    const forwards = dropoutMasks(graph(0.2), 4, [1]);
    const [, second] = [forwards(1), forwards(2)];
    expect(dropoutMasks(graph(0.2), 4, [1])(2)).toEqual(second);
    expect(forwards(1)).not.toEqual(second);
    expect(dropoutMasks(graph(0.2), 4, [2])(2)).not.toEqual(second);
  });
});
