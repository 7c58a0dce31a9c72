import { layoutManifest, tensorOf, weightsOf, zeros, type Weights } from '@consilium/weights';
import { describe, expect, it } from 'vitest';
import { graphOf, smallCnn } from './graphs.fixture.js';
import { initialise } from './initialise.js';
import { manifestOf } from './parameters.js';
import { transfer } from './transfer.js';
import { densenet121 } from './zoo/densenet.js';
import { mobilenetV2 } from './zoo/mobilenet.js';
import { resnet18 } from './zoo/resnet.js';

/** A file’s weights whose values count up. */
function fileOf(tensors: Readonly<Record<string, readonly number[]>>): Weights {
  const manifest = layoutManifest(Object.entries(tensors).map(([name, shape]) => ({ name, shape })));
  return weightsOf(
    manifest,
    Float32Array.from({ length: manifest.size }, (_, i) => i + 1),
  );
}

const backbone = (classes: number) =>
  graphOf(
    { type: 'input', name: 'image', shape: [4, 4, 1] },
    { type: 'conv2d', name: 'conv', filters: 2, kernel: [1, 1] },
    { type: 'batch-norm', name: 'norm' },
    { type: 'global-average-pool', name: 'average' },
    { type: 'dense', name: 'fc', units: classes },
  );

describe('transfer by our own names', () => {
  it('takes a whole model over, and leaves both as they were', () => {
    const [first, second] = [initialise(smallCnn, 1), initialise(smallCnn, 2)];
    const before = first.values.slice();
    const moved = transfer(smallCnn, first, second);
    expect(moved.weights.values).toEqual(second.values);
    expect(moved.copied).toEqual(manifestOf(smallCnn).tensors.map(({ name }) => name));
    expect([moved.untransferred, moved.unused]).toEqual([[], []]);
    expect(first.values).toEqual(before);
    expect(moved.weights.values.buffer).not.toBe(second.values.buffer);
  });

  it('leaves a head for other classes as it began, and names it with both shapes', () => {
    const [graph, other] = [backbone(1), backbone(3)];
    const first = initialise(graph, 1);
    const moved = transfer(graph, first, initialise(other, 2));
    expect(moved.untransferred).toEqual([
      { name: 'fc/kernel', expected: '[2, 1]', came: '[2, 3]' },
      { name: 'fc/bias', expected: '[1]', came: '[3]' },
    ]);
    expect(tensorOf(moved.weights, 'fc/kernel')).toEqual(tensorOf(first, 'fc/kernel'));
    expect(tensorOf(moved.weights, 'conv/kernel')).toEqual(tensorOf(initialise(other, 2), 'conv/kernel'));
  });

  it('names what is missing in the file and what the model has no place for', () => {
    const graph = backbone(1);
    const moved = transfer(graph, initialise(graph, 1), fileOf({ 'conv/kernel': [1, 1, 1, 2], 'old/kernel': [5] }));
    expect(moved.copied).toEqual(['conv/kernel']);
    expect(moved.untransferred).toContainEqual({ name: 'conv/bias', expected: '[2]', came: 'nothing' });
    expect(moved.untransferred).toHaveLength(7);
    expect(moved.unused).toEqual(['old/kernel']);
  });
});

describe('transfer by PyTorch’s names', () => {
  it('finds the parts of convolution, norm and dense layer', () => {
    const graph = backbone(2);
    const file = fileOf({
      'conv.weight': [2, 1, 1, 1],
      'conv.bias': [2],
      'norm.weight': [2],
      'norm.bias': [2],
      'norm.running_mean': [2],
      'norm.running_var': [2],
      'fc.weight': [2, 2],
      'fc.bias': [2],
      'norm.num_batches_tracked': [],
    });
    const { weights, untransferred, unused } = transfer(graph, initialise(graph, 1), file);
    expect(untransferred).toEqual([]);
    expect(unused).toEqual(['norm.num_batches_tracked']);
    expect([...tensorOf(weights, 'norm/gamma')]).toEqual([5, 6]);
    expect([...tensorOf(weights, 'norm/moving_variance')]).toEqual([11, 12]);
    expect([...tensorOf(weights, 'fc/kernel')]).toEqual([13, 15, 14, 16]);
  });

  it('leaves out a dense layer behind a flattened image, whose rows stand in another order there', () => {
    const graph = graphOf(
      { type: 'input', name: 'image', shape: [2, 2, 3] },
      { type: 'flatten', name: 'flat' },
      { type: 'activation', name: 'relu', function: 'relu' },
      { type: 'dense', name: 'fc', units: 2 },
      { type: 'dense', name: 'out', units: 1 },
    );
    const file = fileOf({ 'fc.weight': [2, 12], 'fc.bias': [2], 'out.weight': [1, 2], 'out.bias': [1] });
    const moved = transfer(graph, initialise(graph, 1), file);
    expect(moved.untransferred.map(({ name }) => name)).toEqual(['fc/kernel']);
    // One pixel, or no channels beside each other, is in order.
    const row = graphOf(
      { type: 'input', name: 'image', shape: [1, 1, 12] },
      { type: 'flatten', name: 'flat' },
      { type: 'dense', name: 'fc', units: 2 },
    );
    expect(transfer(row, initialise(row, 1), file).copied).toEqual(['fc/kernel', 'fc/bias']);
  });

  // Entries of the state_dict of torchvision’s models.
  it.each([
    ['ResNet-18', resnet18, 'conv1.weight', [64, 3, 7, 7]],
    ['ResNet-18', resnet18, 'layer2.0.downsample.0.weight', [128, 64, 1, 1]],
    ['ResNet-18', resnet18, 'layer2.0.downsample.1.running_var', [128]],
    ['ResNet-18', resnet18, 'layer4.1.bn2.bias', [512]],
    ['DenseNet-121', densenet121, 'features.denseblock3.denselayer24.conv2.weight', [32, 128, 3, 3]],
    ['DenseNet-121', densenet121, 'features.transition1.norm.running_mean', [256]],
    ['DenseNet-121', densenet121, 'features.norm5.weight', [1024]],
    ['DenseNet-121', densenet121, 'classifier.weight', [1000, 1024]],
    ['MobileNetV2', mobilenetV2, 'features.0.0.weight', [32, 3, 3, 3]],
    ['MobileNetV2', mobilenetV2, 'features.1.conv.0.0.weight', [32, 1, 3, 3]],
    ['MobileNetV2', mobilenetV2, 'features.1.conv.2.running_var', [16]],
    ['MobileNetV2', mobilenetV2, 'features.17.conv.2.weight', [320, 960, 1, 1]],
    ['MobileNetV2', mobilenetV2, 'features.18.1.weight', [1280]],
    ['MobileNetV2', mobilenetV2, 'classifier.1.bias', [1000]],
  ])('finds in %s’s: %s', (_model, build, name, shape) => {
    const graph = build({ input: [32, 32, 3], classes: 1000 });
    const moved = transfer(graph, zeros(manifestOf(graph)), fileOf({ [name]: shape }));
    expect(moved.unused).toEqual([]);
    expect(moved.copied).toHaveLength(1);
  });
});
