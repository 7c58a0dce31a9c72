import { Fault } from '@consilium/stdx';
import { manifestDigest } from '@consilium/weights';
import { describe, expect, it } from 'vitest';
import { graphOf, image, residual, smallCnn, volume } from './graphs.fixture.js';
import { manifestOf, PARAMETERS_MAX, tensorsOf, trainableTensors } from './parameters.js';

const shapesOf = (graph: Parameters<typeof manifestOf>[0]) =>
  manifestOf(graph).tensors.map(({ name, shape }) => [name, ...shape]);

describe('the manifest of a graph', () => {
  it('of the small network has 105,346 parameters in this order', () => {
    // By hand: 3·3·1·16+16 = 160, 3·3·16·32+32 = 4,640, 7·7·32·64+64 = 100,416, 64·2+2 = 130.
    expect(shapesOf(smallCnn)).toEqual([
      ['conv1/kernel', 3, 3, 1, 16],
      ['conv1/bias', 16],
      ['conv2/kernel', 3, 3, 16, 32],
      ['conv2/bias', 32],
      ['hidden/kernel', 1568, 64],
      ['hidden/bias', 64],
      ['out/kernel', 64, 2],
      ['out/bias', 2],
    ]);
    expect(manifestOf(smallCnn).size).toBe(105_346);
  });

  it('of a residual network counts batch norm’s four vectors and leaves out refused biases', () => {
    expect(shapesOf(residual)).toEqual([
      ['stem/kernel', 3, 3, 3, 8],
      ['stem_norm/gamma', 8],
      ['stem_norm/beta', 8],
      ['stem_norm/moving_mean', 8],
      ['stem_norm/moving_variance', 8],
      ['body1/kernel', 3, 3, 8, 8],
      ['norm1/gamma', 8],
      ['norm1/beta', 8],
      ['norm1/moving_mean', 8],
      ['norm1/moving_variance', 8],
      ['body2/kernel', 3, 3, 8, 8],
      ['body2/bias', 8],
      ['out/kernel', 8, 1],
      ['out/bias', 1],
    ]);
    // By hand: 216 + 32 + 576 + 32 + (576 + 8) + (8 + 1).
    expect(manifestOf(residual).size).toBe(1449);
  });

  it('of a volume has kernels of five axes', () => {
    expect(shapesOf(volume)[0]).toEqual(['conv/kernel', 3, 3, 3, 1, 4]);
    // By hand: 27·4 + 4 + 4 + 1.
    expect(manifestOf(volume).size).toBe(117);
  });

  it('takes the channels from what feeds a layer, not from the layer before', () => {
    const graph = graphOf(
      image,
      { type: 'conv2d', name: 'wide', filters: 8, kernel: [1, 1] },
      { type: 'conv2d', name: 'beside', filters: 4, kernel: [1, 1], from: 'image' },
      { type: 'concat', name: 'both', from: ['wide', 'beside'] },
      { type: 'conv2d', name: 'after', filters: 2, kernel: [1, 1] },
    );
    expect(shapesOf(graph)).toContainEqual(['beside/kernel', 1, 1, 1, 4]);
    expect(shapesOf(graph)).toContainEqual(['after/kernel', 1, 1, 12, 2]);
  });

  it('is the same for the same graph, and another when a layer changes its name', () => {
    const graph = (name: string) => graphOf(image, { type: 'conv2d', name, filters: 1, kernel: [1, 1] });
    expect(manifestDigest(manifestOf(graph('a')))).toBe(manifestDigest(manifestOf(graph('a'))));
    expect(manifestDigest(manifestOf(graph('a')))).not.toBe(manifestDigest(manifestOf(graph('b'))));
  });

  it('may be empty', () => {
    expect(manifestOf(graphOf(image, { type: 'flatten', name: 'flat' })).size).toBe(0);
  });

  it('is refused beyond the limit, with the layer that goes over it', () => {
    const graph = (units: number) =>
      graphOf({ type: 'input', name: 'wide', shape: [65_536] }, { type: 'dense', name: 'd', units, bias: false });
    expect(manifestOf(graph(4096)).size).toBe(PARAMETERS_MAX);
    expect(() => manifestOf(graph(4097))).toThrow(Fault);
    expect(() => manifestOf(graph(4097))).toThrow('layer: d, expected: at most 268435456 parameters');
    const over = graphOf(...graph(4096).layers, { type: 'dense', name: 'last', units: 1 });
    expect(() => manifestOf(over)).toThrow('layer: last');
  });

  it('is refused with its graph', () => {
    expect(() => manifestOf(graphOf(image, { type: 'attention', name: 'a' }))).toThrow('layer: a');
  });
});

describe('the trainable tensors', () => {
  it('are all but moving means and variances', () => {
    const names = manifestOf(residual).tensors.map(({ name }) => name);
    expect(names.filter((name) => !trainableTensors(residual).has(name))).toEqual([
      'stem_norm/moving_mean',
      'stem_norm/moving_variance',
      'norm1/moving_mean',
      'norm1/moving_variance',
    ]);
    expect(trainableTensors(smallCnn).size).toBe(8);
  });

  it('leave out the tensors of frozen layers, and of no other', () => {
    const trained = trainableTensors(residual, ['stem', 'stem_norm', 'stem_relu']);
    expect([...trained]).toEqual([...trainableTensors(residual)].filter((name) => !name.startsWith('stem')));
  });

  it('are refused where a frozen layer does not exist, since somebody believes that it stays as it is', () => {
    expect(() => trainableTensors(residual, ['stam'])).toThrow('layer: stam');
  });

  it('know their layer', () => {
    for (const { layer, name } of tensorsOf(residual)) expect(name.startsWith(`${layer}/`)).toBe(true);
  });
});
