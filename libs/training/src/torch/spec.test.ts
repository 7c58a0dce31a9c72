import { graphSchema, manifestOf, trainableTensors, type Graph } from '@consilium/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OPERATIONS } from '../self-test/operations.js';
import { specOf } from './spec.js';

interface Spec {
  readonly layers: readonly (Readonly<Record<string, unknown>> & { readonly name: string })[];
  readonly tensors: readonly {
    readonly name: string;
    readonly shape: number[];
    readonly axes: number[];
    readonly inner: number[];
    readonly trained: boolean;
  }[];
}

const specFor = (graph: Graph, frozen: string[] = []): Spec =>
  specOf(graph, manifestOf(graph), trainableTensors(graph, frozen), frozen) as unknown as Spec;

/** The last layer of a graph on an image of this height and width with two channels. */
function lastLayer(layer: object, [height, width] = [5, 6]): Readonly<Record<string, unknown>> {
  const graph = graphSchema.parse({
    layers: [
      { type: 'input', name: 'image', shape: [height, width, 2] },
      { ...layer, name: 'tested' },
    ],
  });
  return specFor(graph).layers[1]!;
}

describe('what the program is told of a graph', () => {
  it('is each layer with what feeds it and the shape of its output', () => {
    const layer = lastLayer({ type: 'flatten' });
    expect(layer).toMatchObject({ type: 'flatten', sources: ['image'], shape: [60] });
  });

  it('is how TensorFlow pads: as little as needed, and an odd row or column after the image', () => {
    // tf.nn.convolution: along 5 with kernel 3 and stride 2 one each side, along 6 one after.
    const strided = lastLayer({ type: 'conv2d', filters: 4, kernel: [3, 3], stride: [2, 2] });
    expect(strided['pads']).toEqual([
      [1, 1],
      [0, 1],
    ]);
    const dilated = lastLayer({ type: 'conv2d', filters: 4, kernel: [3, 2], dilation: [2, 1] });
    expect(dilated['pads']).toEqual([
      [2, 2],
      [0, 1],
    ]);
    const valid = lastLayer({ type: 'conv2d', filters: 4, kernel: [3, 3], padding: 'valid' });
    expect(valid['pads']).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it('is a pool’s own size for the stride that its plan leaves away', () => {
    const pool = lastLayer({ type: 'max-pool2d', size: [2, 3], padding: 'same' });
    expect(pool).toMatchObject({
      stride: [2, 3],
      pads: [
        [0, 1],
        [0, 0],
      ],
    });
  });

  it('is the window that TensorFlow keeps of a transposed convolution', () => {
    const same = lastLayer({ type: 'transposed-conv2d', filters: 3, kernel: [3, 2], stride: [2, 2] });
    expect(same).toMatchObject({
      window: [
        [0, 10],
        [0, 12],
      ],
      shape: [10, 12, 3],
    });
    const wide = lastLayer({ type: 'transposed-conv2d', filters: 3, kernel: [5, 5], stride: [2, 2], padding: 'valid' });
    expect(wide).toMatchObject({
      window: [
        [0, 13],
        [0, 15],
      ],
      shape: [13, 15, 3],
    });
    const middle = lastLayer({ type: 'transposed-conv2d', filters: 3, kernel: [5, 5] });
    expect(middle).toMatchObject({
      window: [
        [2, 5],
        [2, 6],
      ],
    });
  });

  it('is the place of a kernel’s axes in PyTorch, output channels first', () => {
    const { tensors } = specFor(
      graphSchema.parse({
        layers: [
          { type: 'input', name: 'image', shape: [8, 8, 4] },
          { type: 'conv2d', name: 'conv', filters: 6, kernel: [3, 5], groups: 2 },
          { type: 'depthwise-conv2d', name: 'depth', kernel: [3, 3], multiplier: 2 },
          { type: 'batch-norm', name: 'norm' },
          { type: 'flatten', name: 'flat' },
          { type: 'dense', name: 'out', units: 2 },
        ],
      }),
      ['depth'],
    );
    const inner = Object.fromEntries(tensors.map((tensor) => [tensor.name, tensor.inner]));
    expect(inner).toMatchObject({
      'conv/kernel': [6, 2, 3, 5],
      'conv/bias': [6],
      'depth/kernel': [6, 2, 3, 3],
      'out/kernel': [768, 2],
    });
    const trained = tensors.filter((tensor) => tensor.trained).map(({ name }) => name);
    expect(trained).toEqual(['conv/kernel', 'conv/bias', 'norm/gamma', 'norm/beta', 'out/kernel', 'out/bias']);
  });
});

describe('for every operation', () => {
  it.each(OPERATIONS)('each tensor keeps all its axes: $name', ({ graph }) => {
    for (const { shape, axes, inner } of specFor(graph).tensors) {
      expect([...axes].sort()).toEqual(shape.map((_, axis) => axis));
      expect([...inner].sort()).toEqual([...shape].sort());
    }
  });

  it('padding gives the output that the shapes promise', () => {
    const length = fc.integer({ min: 1, max: 12 });
    const small = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(length, small, small, (rows, kernel, stride) => {
        const given = { type: 'conv2d', filters: 1, kernel: [kernel, kernel], stride: [stride, stride] };
        const { pads, shape } = lastLayer(given, [rows, rows]) as { pads: [number, number][]; shape: number[] };
        const padded = rows + pads[0]![0] + pads[0]![1];
        expect(Math.floor((padded - kernel) / stride) + 1).toBe(shape[0]);
        expect(pads[0]![1] - pads[0]![0]).toBeLessThanOrEqual(1);
      }),
    );
  });
});
