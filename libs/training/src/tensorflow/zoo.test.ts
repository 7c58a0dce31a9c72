import {
  cox,
  densenet121,
  imageAndTable,
  inputRow,
  initialise,
  linear,
  logistic,
  mlp,
  mobilenetV2,
  nodule3dCnn,
  outputShapeOf,
  resnet14,
  resnet18,
  resnet50,
  sizeOf,
  smallCnn,
  trainableTensors,
  unet2d,
  unet3d,
  type Graph,
} from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from './backend.js';
import { gradient } from './fit.js';

const small = { input: [32, 32, 1], classes: 1 };

const ZOO: readonly (readonly [string, Graph])[] = [
  ['smallCnn', smallCnn(small)],
  ['resnet14', resnet14(small)],
  ['resnet14 with group norm', resnet14({ ...small, norm: 'group' })],
  ['resnet18', resnet18(small)],
  ['resnet50', resnet50(small)],
  ['densenet121', densenet121(small)],
  ['mobilenetV2', mobilenetV2(small)],
  ['unet2d', unet2d({ ...small, width: 8, levels: 3 })],
  ['unet3d', unet3d({ input: [8, 8, 8, 1], classes: 1, width: 4, levels: 3 })],
  ['nodule3dCnn', nodule3dCnn({ input: [16, 16, 16, 1], classes: 1 })],
  ['mlp', mlp({ features: 6, classes: 2, dropout: 0.3 })],
  ['linear', linear({ features: 6 })],
  ['logistic', logistic({ features: 6 })],
  ['cox', cox({ features: 6 })],
  ['imageAndTable', imageAndTable({ ...small, features: 4 })],
];

describe('on wasm each model of the zoo', () => {
  beforeAll(() => activateBackend('wasm'));

  it.each(ZOO)('%s has a finite gradient for every tensor that is trained', async (_, graph) => {
    const count = 3;
    const random = seededRandom('zoo');
    const weights = initialise(graph, 3);
    const normal = (length: number): Float32Array => Float32Array.from({ length }, random.normal);
    const result = await gradient({
      graph,
      weights,
      images: normal(count * inputRow(graph).size),
      labels: normal(count * sizeOf(outputShapeOf(graph))),
      count,
      loss: 'mean-squared-error',
      classWeights: 'none',
    });
    expect(result.loss).toBeGreaterThan(0);
    expect(result.gradient.every(Number.isFinite)).toBe(true);
    const trained = trainableTensors(graph);
    for (const { name, offset, size } of weights.manifest.tensors) {
      const moves = result.gradient.subarray(offset, offset + size).some((value) => value !== 0);
      expect(moves, name).toBe(trained.has(name));
    }
  });
});
