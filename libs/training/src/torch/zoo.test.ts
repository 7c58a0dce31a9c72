import {
  densenet121,
  imageAndTable,
  initialise,
  inputRow,
  mobilenetV2,
  nodule3dCnn,
  outputShapeOf,
  resnet14,
  resnet18,
  sizeOf,
  unet2d,
  unet3d,
  type Graph,
} from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine, type Engine } from '../engine.js';
import { LOGISTIC } from '../tensorflow/graphs.fixture.js';
import { openTorch } from './open.js';
import { NEEDED, PYTHON } from './python.fixture.js';

const SMALL = { input: [32, 32, 1], classes: 1 };
/** Of millions of values: too many to be arguments. */
const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

// Over a few values a channel, batch norm in float32 is ill-conditioned: at 50 layers and more all engines lie a hundredth
// and more from the gradient in float64, each elsewhere. Group norm shows the layers without that.
const ZOO: readonly (readonly [string, Graph])[] = [
  ['resnet14 with group norm', resnet14({ ...SMALL, norm: 'group' })],
  ['resnet18', resnet18(SMALL)],
  ['densenet121 with group norm', densenet121({ ...SMALL, norm: 'group' })],
  ['mobilenetV2 with group norm', mobilenetV2({ ...SMALL, norm: 'group' })],
  ['unet2d', unet2d({ ...SMALL, width: 8, levels: 3 })],
  ['unet3d', unet3d({ input: [8, 8, 8, 1], classes: 1, width: 4, levels: 3 })],
  ['nodule3dCnn', nodule3dCnn({ input: [16, 16, 16, 1], classes: 1 })],
  ['image and table', imageAndTable({ ...SMALL, features: 4 })],
];

describe.skipIf(!PYTHON)(`the models of the zoo in PyTorch${NEEDED}`, () => {
  let torch: Engine;
  let wasm: Engine;
  beforeAll(async () => {
    torch = await openTorch({ python: PYTHON!, device: 'cpu' }, LOGISTIC);
    wasm = await openEngine('wasm', LOGISTIC);
  });
  afterAll(() => [torch, wasm].forEach((engine) => engine?.close()));

  it.each(ZOO)('%s has the loss and the gradient of the other engines', async (_name, graph) => {
    const count = 4;
    const random = seededRandom('zoo');
    const normal = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
    const job = {
      graph,
      weights: initialise(graph, 3),
      images: normal(count * inputRow(graph).size),
      labels: normal(count * sizeOf(outputShapeOf(graph))),
      count,
      loss: 'mean-squared-error',
      classWeights: 'none',
    } as const;
    const [ours, other] = [await torch.gradient(job), await wasm.gradient(job)];
    expect(Math.abs(ours.loss - other.loss)).toBeLessThan(1e-4 * Math.max(1, other.loss));
    const apart = norm(ours.gradient.map((value, i) => value - other.gradient[i]!));
    expect(apart).toBeLessThan(1e-3 * norm(other.gradient));
  });
});
