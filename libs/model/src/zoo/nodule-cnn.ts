import type { Graph } from '../graph.js';
import { Sketch, type ImageModel } from './sketch.js';

/**
 * A 3-D network that tells nodules in small cubes of CT from other tissue, as the false-positive stages of lung-nodule
 * detection do (Setio et al. 2017, the LUNA16 challenge, whose teams used networks of this size on cubes of 20 to 40 mm):
 * three stages of two convolutions and a pooling.
 */
export function nodule3dCnn({ input, classes, norm }: ImageModel): Graph {
  const sketch = new Sketch(3, norm);
  sketch.input(input);
  [16, 32, 64].forEach((filters, i) => {
    const stage = i + 1;
    for (const half of [1, 2]) {
      sketch.conv(`conv${stage}_${half}`, filters, { kernel: 3 });
      sketch.norm(`norm${stage}_${half}`, filters);
      sketch.relu(`relu${stage}_${half}`);
    }
    sketch.maxPool(`pool${stage}`);
  });
  return sketch.classify(classes, 'out');
}
