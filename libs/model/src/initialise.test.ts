import { firstNonFinite, sameManifest, tensorOf } from '@consilium/weights';
import { describe, expect, it } from 'vitest';
import { graphOf, residual, smallCnn, volume } from './graphs.fixture.js';
import { initialise } from './initialise.js';
import { manifestOf } from './parameters.js';

const meanOf = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const stddevOf = (values: Float32Array): number => {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
};

describe('initial weights', () => {
  it('have the model’s manifest and are finite', () => {
    for (const graph of [smallCnn, residual, volume]) {
      const weights = initialise(graph, 1);
      expect(sameManifest(weights.manifest, manifestOf(graph))).toBe(true);
      expect(firstNonFinite(weights.values)).toBe(-1);
    }
  });

  it('are the same for the same seed and others for another', () => {
    expect(initialise(residual, 1).values).toEqual(initialise(residual, 1).values);
    expect(initialise(residual, 1).values).not.toEqual(initialise(residual, 2).values);
  });

  it('are the numbers that Python draws by the same rule', () => {
    // SHA-256 of the labels, sfc32 and Box–Muller written anew in Python 3.11; values printed after rounding to float32.
    const graph = graphOf(
      { type: 'input', name: 'image', shape: [2, 1, 1] },
      { type: 'conv2d', name: 'conv', filters: 1, kernel: [3, 3] },
      { type: 'flatten', name: 'flat' },
      { type: 'dense', name: 'dense', units: 3 },
    );
    const weights = initialise(graph, 7);
    const dense = [-1.36244798, 1.12188077, -0.223987132, 0.574769974, -1.21738672, 0.658186197];
    const conv = [-0.041395057, -0.200017676, -0.455754459, 0.0215209331];
    dense.forEach((value, i) => expect(tensorOf(weights, 'dense/kernel')[i]).toBeCloseTo(value, 6));
    conv.forEach((value, i) => expect(tensorOf(weights, 'conv/kernel')[i]).toBeCloseTo(value, 6));
  });

  it('spread by the square root of 2 over the fan-in, around zero', () => {
    const hidden = tensorOf(initialise(smallCnn, 3), 'hidden/kernel');
    // 100,352 draws: the standard error of the mean is stddev / 317, that of the stddev is stddev / 448.
    const stddev = Math.sqrt(2 / 1568);
    expect(Math.abs(meanOf(hidden))).toBeLessThan((5 * stddev) / 317);
    expect(Math.abs(stddevOf(hidden) - stddev)).toBeLessThan((5 * stddev) / 448);
  });

  it('count a convolution’s window and channels as its fan-in', () => {
    const conv2 = tensorOf(initialise(smallCnn, 3), 'conv2/kernel');
    expect(stddevOf(conv2) / Math.sqrt(2 / (3 * 3 * 16))).toBeCloseTo(1, 1);
  });

  it('leave batch norm as the identity and biases at zero', () => {
    const weights = initialise(residual, 1);
    for (const ones of ['stem_norm/gamma', 'stem_norm/moving_variance']) {
      expect([...tensorOf(weights, ones)]).toEqual(Array(8).fill(1));
    }
    for (const zeros of ['stem_norm/beta', 'stem_norm/moving_mean', 'body2/bias']) {
      expect([...tensorOf(weights, zeros)]).toEqual(Array(8).fill(0));
    }
  });

  it('differ between tensors of one shape', () => {
    const weights = initialise(residual, 1);
    expect(tensorOf(weights, 'body1/kernel')).not.toEqual(tensorOf(weights, 'body2/kernel'));
  });

  it('of a tensor stay as they were when another layer changes', () => {
    const input = { type: 'input', name: 'x', shape: [4] };
    const a = { type: 'dense', name: 'a', units: 5 };
    const alone = initialise(graphOf(input, a), 9);
    const among = initialise(graphOf(input, { type: 'dense', name: 'extra', units: 4 }, a, { ...a, name: 'b' }), 9);
    expect(tensorOf(among, 'a/kernel')).toEqual(tensorOf(alone, 'a/kernel'));
  });
});

describe('initial weights of newer layers', () => {
  const given = (...shape: number[]) => ({ type: 'input', name: 'x', shape });

  it('spread as their tensors say', () => {
    const graph = graphOf(
      given(4, 32),
      { type: 'attention', name: 'attention', heads: 4 },
      { type: 'dense', name: 'out', units: 200 },
    );
    const weights = initialise(graph, 5);
    // 1,024 and 6,400 draws: standard errors of the stddev are 2.2 % and 0.9 %.
    expect(Math.abs(stddevOf(tensorOf(weights, 'attention/key_kernel')) / Math.sqrt(1 / 32) - 1)).toBeLessThan(0.1);
    expect(Math.abs(stddevOf(tensorOf(weights, 'out/kernel')) / Math.sqrt(2 / 32) - 1)).toBeLessThan(0.05);
    expect([...tensorOf(weights, 'attention/key_bias')]).toEqual(Array(32).fill(0));
  });

  it('of an embedding are small and around zero', () => {
    const graph = graphOf(given(3), { type: 'embedding', name: 'words', vocabulary: 100, units: 50 });
    const words = tensorOf(initialise(graph, 5), 'words/kernel');
    expect(Math.abs(meanOf(words))).toBeLessThan((5 * 0.05) / Math.sqrt(5000));
    expect(Math.abs(stddevOf(words) / 0.05 - 1)).toBeLessThan(0.05);
  });

  it('differ between the maps of attention', () => {
    const weights = initialise(graphOf(given(4, 8), { type: 'attention', name: 'a' }), 1);
    expect(tensorOf(weights, 'a/query_kernel')).not.toEqual(tensorOf(weights, 'a/key_kernel'));
  });

  it('of group and layer norm are the identity', () => {
    for (const layer of [{ type: 'group-norm', groups: 2 }, { type: 'layer-norm' }]) {
      const weights = initialise(graphOf(given(3, 4), { ...layer, name: 'n' }), 1);
      expect([...weights.values]).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
    }
  });
});
