import type { Graph } from '../graph.js';
import { Sketch, type ImageModel } from './sketch.js';

/** The network of many tutorials: two convolutions, each with ReLU and pooling, and a hidden dense layer. */
export function smallCnn({ input, classes }: Omit<ImageModel, 'norm'>): Graph {
  const sketch = new Sketch(2);
  sketch.input(input);
  [16, 32].forEach((filters, i) => {
    sketch.conv(`conv${i + 1}`, filters, { kernel: 3, bias: true });
    sketch.relu(`relu${i + 1}`);
    sketch.maxPool(`pool${i + 1}`);
  });
  sketch.put('flatten', 'flat');
  sketch.put('dense', 'hidden', { units: 64 });
  sketch.relu('relu3');
  sketch.put('dense', 'out', { units: classes });
  return sketch.graph();
}
