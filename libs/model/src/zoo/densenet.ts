import type { Graph } from '../graph.js';
import { Sketch, type ImageModel } from './sketch.js';

/** Channels that each layer adds. */
const GROWTH = 32;

/**
 * DenseNet-121 (Huang et al. 2017, “Densely Connected Convolutional Networks”, DenseNet-BC, growth 32, compression ½):
 * what CheXNet (Rajpurkar et al. 2017) reads chest radiographs with. Layers are named as in torchvision,
 * with underscores for dots.
 */
export function densenet121({ input, classes, norm }: ImageModel): Graph {
  const sketch = new Sketch(2, norm);
  sketch.input(input);
  sketch.conv('features_conv0', 64, { kernel: 7, stride: 2 });
  sketch.norm('features_norm0', 64);
  sketch.relu('features_relu0');
  sketch.maxPool('features_pool0', 3, 2, 'same');
  let channels = 64;
  [6, 12, 24, 16].forEach((layers, i) => {
    channels = denseBlock(sketch, `features_denseblock${i + 1}`, channels, layers);
    if (i < 3) channels = transition(sketch, `features_transition${i + 1}`, channels);
  });
  sketch.norm('features_norm5', channels);
  sketch.relu('features_relu5');
  return sketch.classify(classes, 'classifier');
}

/** Each layer sees all that came before it, and adds its channels to them. */
function denseBlock(sketch: Sketch, block: string, channels: number, layers: number): number {
  for (let i = 1; i <= layers; i++) {
    const name = `${block}_denselayer${i}`;
    const before = sketch.last;
    sketch.norm(`${name}_norm1`, channels);
    sketch.relu(`${name}_relu1`);
    sketch.conv(`${name}_conv1`, 4 * GROWTH, { kernel: 1 });
    sketch.norm(`${name}_norm2`, 4 * GROWTH);
    sketch.relu(`${name}_relu2`);
    const added = sketch.conv(`${name}_conv2`, GROWTH, { kernel: 3 });
    sketch.put('concat', `${name}_concat`, { from: [before, added] });
    channels += GROWTH;
  }
  return channels;
}

/** Halves channels and sides. */
function transition(sketch: Sketch, name: string, channels: number): number {
  sketch.norm(`${name}_norm`, channels);
  sketch.relu(`${name}_relu`);
  sketch.conv(`${name}_conv`, channels / 2, { kernel: 1 });
  sketch.put('average-pool2d', `${name}_pool`, { size: [2, 2] });
  return channels / 2;
}
