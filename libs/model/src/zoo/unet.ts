import type { Graph } from '../graph.js';
import { Sketch, type ImageModel } from './sketch.js';

/** A network that answers for each pixel; sides are multiples of 2 to the power of the levels below the first. */
export interface SegmentationModel extends ImageModel {
  /** Filters of the first level; each level below has twice as many. */
  readonly width?: number;
  /** Levels, the first included. */
  readonly levels?: number;
}

/**
 * U-Net for images (Ronneberger et al. 2015), with padded convolutions, so that the mask is as large as the image, and
 * normalisation. The output is the logits of each pixel: [height, width, classes].
 */
export function unet2d({ input, classes, norm, width = 64, levels = 5 }: SegmentationModel): Graph {
  const filters = Array.from({ length: levels }, (_, level) => width * 2 ** level);
  return unet(new Sketch(2, norm), input, classes, { first: filters, second: filters });
}

/**
 * 3-D U-Net (Çiçek et al. 2016): four levels, channels doubled before each pooling to avoid bottlenecks. The output is
 * the logits of each voxel: [depth, height, width, classes].
 */
export function unet3d({ input, classes, norm, width = 32, levels = 4 }: SegmentationModel): Graph {
  const first = Array.from({ length: levels }, (_, level) => width * 2 ** level);
  return unet(new Sketch(3, norm), input, classes, { first, second: first.map((filters) => filters * 2) });
}

/** Filters of the two convolutions of each level on the way down. */
interface Widths {
  readonly first: readonly number[];
  readonly second: readonly number[];
}

function unet(sketch: Sketch, input: readonly number[], classes: number, { first, second }: Widths): Graph {
  sketch.input(input);
  const skips = first.map((filters, level) => {
    if (level > 0) sketch.maxPool(`down${level}`);
    convolved(sketch, `encode${level}_1`, filters);
    return convolved(sketch, `encode${level}_2`, second[level]!);
  });
  for (let level = first.length - 2; level >= 0; level--) {
    const up = sketch.double(`up${level}`, upsampled(first, second, level));
    sketch.put('concat', `join${level}`, { from: [skips[level]!, up] });
    convolved(sketch, `decode${level}_1`, second[level]!);
    convolved(sketch, `decode${level}_2`, second[level]!);
  }
  sketch.conv('out', classes, { kernel: 1, bias: true });
  return sketch.graph();
}

/** The 3-D network keeps the channels of the level below, the 2-D one halves them. */
const upsampled = (first: readonly number[], second: readonly number[], level: number): number =>
  first[level] === second[level] ? second[level]! : second[level + 1]!;

/** Convolution, norm, ReLU; answers the name of the last. */
function convolved(sketch: Sketch, name: string, filters: number): string {
  sketch.conv(name, filters, { kernel: 3 });
  sketch.norm(`${name}_norm`, filters);
  return sketch.relu(`${name}_relu`);
}
