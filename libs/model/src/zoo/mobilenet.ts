import type { Graph } from '../graph.js';
import { Sketch, type ImageModel } from './sketch.js';

/** Expansion, channels, blocks and first stride of each stage: table 2 of the paper. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/**
 * MobileNetV2 (Sandler et al. 2018, “Inverted Residuals and Linear Bottlenecks”), for sites with weak machines. ReLU
 * stands for the paper's ReLU6, whose bound is for arithmetic in 8 bits. Layers are named as in torchvision, with
 * underscores for dots.
 */
export function mobilenetV2({ input, classes, norm }: ImageModel): Graph {
  const sketch = new Sketch(2, norm);
  sketch.input(input);
  convolved(sketch, 'features_0', 32, 3, 2);
  let channels = 32;
  let block = 1;
  for (const [expansion, outputs, count, firstStride] of STAGES) {
    for (let i = 0; i < count; i++, block++) {
      const stride = i === 0 ? firstStride : 1;
      invertedResidual(sketch, `features_${block}`, { channels, outputs, expansion, stride });
      channels = outputs;
    }
  }
  convolved(sketch, `features_${block}`, 1280, 1, 1);
  return sketch.classify(classes, 'classifier_1');
}

interface Residual {
  readonly channels: number;
  readonly outputs: number;
  readonly expansion: number;
  readonly stride: number;
}

/** Wide inside and narrow at its ends, where there is no ReLU; a skip where the ends have one shape. */
function invertedResidual(sketch: Sketch, name: string, { channels, outputs, expansion, stride }: Residual): void {
  const from = sketch.last;
  const wide = channels * expansion;
  let part = 0;
  if (expansion > 1) convolved(sketch, `${name}_conv_${part++}`, wide, 1, 1);
  const depthwise = `${name}_conv_${part++}`;
  sketch.put('depthwise-conv2d', `${depthwise}_0`, { kernel: [3, 3], stride: [stride, stride], bias: false });
  sketch.norm(`${depthwise}_1`, wide);
  sketch.relu(`${depthwise}_relu`);
  sketch.conv(`${name}_conv_${part++}`, outputs, { kernel: 1 });
  const body = sketch.norm(`${name}_conv_${part}`, outputs);
  if (stride === 1 && channels === outputs) sketch.put('add', `${name}_add`, { from: [from, body] });
}

function convolved(sketch: Sketch, name: string, filters: number, kernel: number, stride: number): void {
  sketch.conv(`${name}_0`, filters, { kernel, stride });
  sketch.norm(`${name}_1`, filters);
  sketch.relu(`${name}_relu`);
}
