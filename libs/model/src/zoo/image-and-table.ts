import type { Graph } from '../graph.js';
import { Sketch, type ImageModel } from './sketch.js';

/** An image and a table's row of the same patient. */
export interface ImageAndTable extends ImageModel {
  /** Columns of the table, such as age; a sample's row has them after the image's values. */
  readonly features: number;
}

/**
 * Late fusion: a small convolutional network reads the image, a dense layer the table, and the last layer both. Each
 * side is summed up by itself first, so neither drowns the other by its mere number of values.
 */
export function imageAndTable({ input, features, classes, norm }: ImageAndTable): Graph {
  const sketch = new Sketch(2, norm);
  sketch.input(input);
  [16, 32, 64].forEach((filters, i) => {
    sketch.conv(`conv${i + 1}`, filters, { kernel: 3 });
    sketch.norm(`norm${i + 1}`, filters);
    sketch.relu(`relu${i + 1}`);
    sketch.maxPool(`pool${i + 1}`);
  });
  const image = sketch.put('global-average-pool', 'image_features');
  sketch.input([features], 'table');
  sketch.put('dense', 'table_hidden', { units: 16 });
  const table = sketch.relu('table_features');
  sketch.put('concat', 'both', { from: [image, table] });
  sketch.put('dense', 'hidden', { units: 32 });
  sketch.relu('hidden_relu');
  sketch.put('dense', 'out', { units: classes });
  return sketch.graph();
}
