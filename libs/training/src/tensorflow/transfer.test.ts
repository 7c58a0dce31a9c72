import { graphSchema, initialise, transfer } from '@consilium/model';
import { layoutManifest, tensorOf, zeros } from '@consilium/weights';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from './backend.js';
import { ramp } from './golden.fixture.js';
import { predict } from './predict.js';

/*
 * The same network in PyTorch 2.15.0:
 *
 *   conv = Conv2d(2, 4, 3, padding=1); norm = BatchNorm2d(4)
 *   block = Sequential(Conv2d(4, 8, 3, padding=1, groups=4), ConvTranspose2d(8, 3, 2, stride=2)); fc = Linear(3, 2)
 *   fc(tanh(block(relu(norm(conv(x))))).mean((2, 3)))
 *
 * in evaluation mode, its state_dict filled with ramps, and its output in float64.
 */
const GRAPH = graphSchema.parse({
  layers: [
    { type: 'input', name: 'x', shape: [4, 4, 2] },
    { type: 'conv2d', name: 'conv', filters: 4, kernel: [3, 3] },
    { type: 'batch-norm', name: 'norm', epsilon: 1e-5 },
    { type: 'activation', name: 'relu', function: 'relu' },
    { type: 'conv2d', name: 'block_0', filters: 8, kernel: [3, 3], groups: 4 },
    { type: 'transposed-conv2d', name: 'block_1', filters: 3, kernel: [2, 2], stride: [2, 2] },
    { type: 'activation', name: 'tanh', function: 'tanh' },
    { type: 'global-average-pool', name: 'average' },
    { type: 'dense', name: 'fc', units: 2 },
  ],
});
const STATE_DICT = {
  'conv.weight': [4, 2, 3, 3],
  'conv.bias': [4],
  'norm.weight': [4],
  'norm.bias': [4],
  'norm.running_mean': [4],
  'norm.running_var': [4],
  'block.0.weight': [8, 1, 3, 3],
  'block.0.bias': [8],
  'block.1.weight': [8, 3, 2, 2],
  'block.1.bias': [3],
  'fc.weight': [2, 3],
  'fc.bias': [2],
};

describe.each(['cpu', 'wasm'] as const)('a model of PyTorch, transferred by name, on %s', (backend) => {
  beforeAll(() => activateBackend(backend));

  it('predicts what it predicts there', async () => {
    const source = zeros(layoutManifest(Object.entries(STATE_DICT).map(([name, shape]) => ({ name, shape }))));
    for (const { name, size, shape } of source.manifest.tensors) {
      const kernel = shape.length > 1 || name === 'norm.weight';
      const above = name === 'norm.running_var' ? 1.5 : 0;
      const values = kernel ? ramp(size, 5, 13) : ramp(size, 3, 7);
      tensorOf(source, name).set(values.map((value) => value + above));
    }
    const { weights, untransferred, unused } = transfer(GRAPH, initialise(GRAPH, 1), source);
    expect([untransferred, unused]).toEqual([[], []]);
    const [first, second] = await predict(GRAPH, weights, ramp(32, 7, 11), 1, 'none');
    expect(first).toBeCloseTo(-0.6783715871, 5);
    expect(second).toBeCloseTo(0.3143122182, 5);
  });
});
