import { describe, expect, it } from 'vitest';
import { graphSchema, type Graph } from '../graph.js';
import { inputRow } from '../input-row.js';
import { manifestOf, tensorsOf } from '../parameters.js';
import { inferShapes, outputShapeOf, sizeOf } from '../shapes.js';
import { densenet121 } from './densenet.js';
import { imageAndTable } from './image-and-table.js';
import { mobilenetV2 } from './mobilenet.js';
import { nodule3dCnn } from './nodule-cnn.js';
import { resnet14, resnet18, resnet50 } from './resnet.js';
import { smallCnn } from './small-cnn.js';
import { cox, linear, logistic, mlp } from './tables.js';
import { unet2d, unet3d } from './unet.js';

/** What others call a model's parameters: what is trained. */
const trained = (graph: Graph): number =>
  tensorsOf(graph).reduce((sum, { shape, trainable }) => sum + (trainable ? sizeOf(shape) : 0), 0);

const IMAGENET = { input: [224, 224, 3], classes: 1000 };

describe('the zoo has as many parameters as published:', () => {
  it.each([
    // torchvision's documentation, “num_params” of the IMAGENET1K weights.
    ['ResNet-18', resnet18(IMAGENET), 11_689_512],
    ['ResNet-50', resnet50(IMAGENET), 25_557_032],
    ['DenseNet-121', densenet121(IMAGENET), 7_978_856],
    ['MobileNetV2', mobilenetV2(IMAGENET), 3_504_872],
  ])('%s', (_, graph, parameters) => {
    expect(trained(graph)).toBe(parameters);
    expect(outputShapeOf(graph)).toEqual([1000]);
  });

  it('3-D U-Net, 19,069,955 (Çiçek et al. 2016, section 2)', () => {
    const graph = unet3d({ input: [16, 16, 16, 3], classes: 3 });
    // The paper counts one vector for each convolution's bias, none for its batch norm or for the up-convolutions.
    const uncounted = tensorsOf(graph).filter(({ name, trainable }) => trainable && /\/gamma$|up\d\/bias$/.test(name));
    const extra = uncounted.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    expect(trained(graph) - extra).toBe(19_069_955);
  });

  it('U-Net, 31,037,633 with batch norm, three channels and one class (milesial/Pytorch-UNet)', () => {
    expect(trained(unet2d({ input: [64, 64, 3], classes: 1 }))).toBe(31_037_633);
  });

  it('the small CNN and ResNet-14 that the benchmarks use', () => {
    expect(manifestOf(smallCnn({ input: [28, 28, 1], classes: 2 })).size).toBe(105_346);
    // With moving statistics.
    expect(manifestOf(resnet14({ input: [64, 64, 1], classes: 2 })).size).toBe(175_570);
  });
});

const SMALL: readonly (readonly [string, Graph, readonly number[]])[] = [
  ['smallCnn', smallCnn({ input: [28, 28, 1], classes: 1 }), [1]],
  ['resnet14', resnet14({ input: [64, 64, 1], classes: 1 }), [1]],
  ['resnet18', resnet18({ input: [28, 28, 1], classes: 2 }), [2]],
  ['resnet50', resnet50({ input: [64, 48, 3], classes: 3 }), [3]],
  ['densenet121', densenet121({ input: [64, 64, 1], classes: 14 }), [14]],
  ['mobilenetV2', mobilenetV2({ input: [96, 96, 1], classes: 1 }), [1]],
  ['unet2d', unet2d({ input: [64, 96, 1], classes: 2, width: 8, levels: 3 }), [64, 96, 2]],
  ['unet3d', unet3d({ input: [16, 32, 24, 1], classes: 1, width: 4, levels: 3 }), [16, 32, 24, 1]],
  ['nodule3dCnn', nodule3dCnn({ input: [32, 32, 32, 1], classes: 1 }), [1]],
  ['mlp', mlp({ features: 10, classes: 3, dropout: 0.2 }), [3]],
  ['linear', linear({ features: 10 }), [1]],
  ['logistic', logistic({ features: 10 }), [1]],
  ['cox', cox({ features: 10 }), [1]],
  ['imageAndTable', imageAndTable({ input: [32, 32, 1], features: 5, classes: 1 }), [1]],
];

describe('each model of the zoo', () => {
  it.each(SMALL)('%s ends in the logits that were asked for', (_, graph, output) => {
    expect(outputShapeOf(graph)).toEqual(output);
  });

  it.each(SMALL)('%s is within the bounds of a plan', (_, graph) => {
    expect(graphSchema.parse(graph)).toEqual(graph);
  });
});

describe('with group norm', () => {
  const model = { input: [64, 64, 1], classes: 1, norm: 'group' } as const;
  it.each([
    ['resnet14', resnet14],
    ['resnet18', resnet18],
    ['resnet50', resnet50],
    ['densenet121', densenet121],
    ['mobilenetV2', mobilenetV2],
    ['unet2d', unet2d],
  ])('%s has no batch norm, the same parameters that are trained, and no others', (_, build) => {
    const graph = build(model);
    expect(graph.layers.some(({ type }) => type === 'batch-norm')).toBe(false);
    expect(trained(graph)).toBe(trained(build({ ...model, norm: 'batch' })));
    expect(manifestOf(graph).size).toBe(trained(graph));
  });

  it('a group has 16 channels where they can be had', () => {
    const groups = resnet18(model).layers.flatMap((layer) => (layer.type === 'group-norm' ? [layer.groups] : []));
    expect(new Set(groups)).toEqual(new Set([4, 8, 16, 32]));
  });
});

describe('parameters counted by hand', () => {
  it('of tables', () => {
    expect(trained(linear({ features: 10, outcomes: 2 }))).toBe(22);
    expect(trained(logistic({ features: 10 }))).toBe(11);
    expect(trained(cox({ features: 10 }))).toBe(10);
    expect(trained(mlp({ features: 10, hidden: [8, 4], classes: 3 }))).toBe(10 * 8 + 8 + 8 * 4 + 4 + 4 * 3 + 3);
  });

  it('of the network for nodules', () => {
    const convs = 27 * (1 * 16 + 16 * 16 + 16 * 32 + 32 * 32 + 32 * 64 + 64 * 64);
    const norms = 2 * 2 * (16 + 32 + 64);
    expect(trained(nodule3dCnn({ input: [32, 32, 32, 1], classes: 1 }))).toBe(convs + norms + 65);
  });

  it('of image and table', () => {
    const image = 9 * (1 * 16 + 16 * 32 + 32 * 64) + 2 * (16 + 32 + 64);
    const table = 5 * 16 + 16;
    const head = (64 + 16) * 32 + 32 + 33;
    expect(trained(imageAndTable({ input: [32, 32, 1], features: 5, classes: 1 }))).toBe(image + table + head);
  });
});

describe('a model that does not fit its input', () => {
  it('is refused where it is seen, with both shapes: a U-Net whose sides cannot be halved', () => {
    const graph = unet2d({ input: [60, 64, 1], classes: 1, levels: 4 });
    expect(() => inferShapes(graph)).toThrow(
      'layer: join2, expected: [15, 16, 256] but for the last axis, came: [14, 16, 256]',
    );
  });

  it('a network for volumes that is given images', () => {
    expect(() => inferShapes(nodule3dCnn({ input: [32, 32, 1], classes: 1 }))).toThrow('layer: conv1_1');
  });
});

describe('image and table', () => {
  it('come in one row, the table after the image', () => {
    const { size, parts } = inputRow(imageAndTable({ input: [32, 32, 1], features: 5, classes: 1 }));
    expect(size).toBe(1029);
    expect(parts.map(({ name, offset }) => [name, offset])).toEqual([
      ['image', 0],
      ['table', 1024],
    ]);
  });
});
