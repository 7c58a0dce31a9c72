import type { Graph } from '../graph.js';
import { Sketch, type ImageModel } from './sketch.js';

/*
 * Residual networks (He et al. 2016, “Deep Residual Learning for Image Recognition”). Layers are named as in torchvision,
 * with underscores for dots, so that `transfer` finds its weights. Padding is TensorFlow's: where a stride halves an even
 * side, torchvision pads a pixel before and this none, so weights from there see images moved by a pixel.
 */

/** For small images, section 4.2 of the paper with n = 2: a stem of 16 filters, three stages of 16, 32 and 64. */
export function resnet14({ input, classes, norm }: ImageModel): Graph {
  const sketch = new Sketch(2, norm);
  sketch.input(input);
  stem(sketch, 16, 3, 1);
  let channels = 16;
  [16, 32, 64].forEach((width, stage) => {
    for (let block = 0; block < 2; block++) {
      channels = basicBlock(sketch, `layer${stage + 1}_${block}`, channels, width, stage > 0 && block === 0 ? 2 : 1);
    }
  });
  return sketch.classify(classes);
}

export const resnet18 = (model: ImageModel): Graph => resnet(model, [2, 2, 2, 2], basicBlock);

/** With the stride in the 3 × 3 convolution, as torchvision and most others have it (“v1.5”). */
export const resnet50 = (model: ImageModel): Graph => resnet(model, [3, 4, 6, 3], bottleneck);

/** Puts a block and answers its channels. */
type Block = (sketch: Sketch, name: string, channels: number, width: number, stride: number) => number;

function resnet({ input, classes, norm }: ImageModel, blocks: readonly number[], block: Block): Graph {
  const sketch = new Sketch(2, norm);
  sketch.input(input);
  stem(sketch, 64, 7, 2);
  sketch.maxPool('maxpool', 3, 2, 'same');
  let channels = 64;
  blocks.forEach((count, stage) => {
    for (let i = 0; i < count; i++) {
      const stride = stage > 0 && i === 0 ? 2 : 1;
      channels = block(sketch, `layer${stage + 1}_${i}`, channels, 64 * 2 ** stage, stride);
    }
  });
  return sketch.classify(classes);
}

function stem(sketch: Sketch, filters: number, kernel: number, stride: number): void {
  sketch.conv('conv1', filters, { kernel, stride });
  sketch.norm('bn1', filters);
  sketch.relu('relu1');
}

const basicBlock: Block = (sketch, name, channels, width, stride) => {
  const from = sketch.last;
  sketch.conv(`${name}_conv1`, width, { kernel: 3, stride });
  sketch.norm(`${name}_bn1`, width);
  sketch.relu(`${name}_relu1`);
  sketch.conv(`${name}_conv2`, width, { kernel: 3 });
  const body = sketch.norm(`${name}_bn2`, width);
  return joined(sketch, name, { from, body, channels, outputs: width, stride });
};

const bottleneck: Block = (sketch, name, channels, width, stride) => {
  const from = sketch.last;
  sketch.conv(`${name}_conv1`, width, { kernel: 1 });
  sketch.norm(`${name}_bn1`, width);
  sketch.relu(`${name}_relu1`);
  sketch.conv(`${name}_conv2`, width, { kernel: 3, stride });
  sketch.norm(`${name}_bn2`, width);
  sketch.relu(`${name}_relu2`);
  sketch.conv(`${name}_conv3`, 4 * width, { kernel: 1 });
  const body = sketch.norm(`${name}_bn3`, 4 * width);
  return joined(sketch, name, { from, body, channels, outputs: 4 * width, stride });
};

interface Branches {
  readonly from: string;
  readonly body: string;
  readonly channels: number;
  readonly outputs: number;
  readonly stride: number;
}

/** Adds what went round the block, brought to its shape where that changed. */
function joined(sketch: Sketch, name: string, { from, body, channels, outputs, stride }: Branches): number {
  let skip = from;
  if (stride !== 1 || channels !== outputs) {
    sketch.conv(`${name}_downsample_0`, outputs, { from, kernel: 1, stride });
    skip = sketch.norm(`${name}_downsample_1`, outputs);
  }
  sketch.put('add', `${name}_add`, { from: [body, skip] });
  sketch.relu(`${name}_out`);
  return outputs;
}
