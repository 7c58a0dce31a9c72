import { sizeOf } from '@consilium/model';
import { imageSums, parts, toPlain } from '../blocked.js';
import {
  geometryOf,
  placesOf,
  poolWindow,
  remainder,
  slidingAttributes,
  type Geometry,
  type LayerOf,
} from '../geometry.js';
import { channelsOf, type Tape, type Value } from '../tape.js';

/** The mean of each window; padding is not counted, as TensorFlow does. */
export function averagePooling(
  tape: Tape,
  given: Value,
  layer: LayerOf<'average-pool2d' | 'average-pool3d'>,
  output: readonly number[],
): Value {
  const { graph } = tape;
  const x = toPlain(tape, given);
  const [batch, channels] = x.shape as [number, number];
  const geometry = geometryOf(poolWindow(layer), x.shape.slice(2), output.slice(0, -1));
  const attributes = { ...slidingAttributes(geometry), count_include_pad: 0 };
  const y = tape.value(graph.op('AveragePool', [x.name], attributes), [batch, channels, ...geometry.small]);
  return tape.record(y, [x], (dy) => {
    // Each output's gradient in equal shares: a transposed convolution by ones, each channel by itself.
    const single = graph.reshape(dy, [batch * channels, 1, ...geometry.small]);
    const shares = graph.op('Mul', [single, graph.constant(shareOf(geometry), [1, 1, ...geometry.small])]);
    const ones = graph.constant(new Float32Array(sizeOf(geometry.window)).fill(1), [1, 1, ...geometry.window]);
    const spread = { ...slidingAttributes(geometry), output_padding: remainder(geometry) };
    tape.add(x, graph.reshape(graph.op('ConvTranspose', [shares, ones], spread), x.shape));
  });
}

/** 1 / the number of pixels that each window holds. */
function shareOf({ small, large, window, stride, before }: Geometry): Float32Array {
  const held = (axis: number, at: number): number => {
    const first = at * stride[axis]! - before[axis]!;
    return Math.min(large[axis]!, first + window[axis]!) - Math.max(0, first);
  };
  return Float32Array.from(
    placesOf(small),
    (place) => 1 / place.reduce((product, at, axis) => product * held(axis, at), 1),
  );
}

/** The mean over all pixels: [batch, channels]. */
export function globalAveragePooling(tape: Tape, x: Value): Value {
  const { graph } = tape;
  const [batch, channels] = x.shape as [number, number];
  const pixels = sizeOf(x.shape.slice(2));
  const y = tape.value(graph.scale(imageSums(tape, x.name, x), 1 / pixels), [batch, channels]);
  return tape.record(y, [x], (dy) => tape.add(x, overPixels(tape, graph.scale(dy, 1 / pixels), x)));
}

/** The largest over all pixels: [batch, channels]. Of equal ones the first takes the gradient. */
export function globalMaxPooling(tape: Tape, given: Value): Value {
  const { graph } = tape;
  const x = toPlain(tape, given);
  const [batch, channels] = x.shape as [number, number];
  const pixels = sizeOf(x.shape.slice(2));
  const flat = graph.reshape(x.name, [batch, channels, pixels]);
  const y = tape.value(graph.op('ReduceMax', [flat, graph.integers([2])], { keepdims: 0 }), [batch, channels]);
  return tape.record(y, [x], (dy) => {
    const first = graph.op('ArgMax', [flat], { axis: 2, keepdims: 1, select_last_index: 0 });
    const zeros = graph.op('Expand', [graph.number(0), graph.integers([batch, channels, pixels])]);
    const placed = graph.op('ScatterElements', [zeros, first, graph.reshape(dy, [batch, channels, 1])], { axis: 2 });
    tape.add(x, graph.reshape(placed, x.shape));
  });
}

/** A value of each image and channel, [batch, channels], repeated over its pixels, laid out as `like`. */
export function overPixels(tape: Tape, values: string, like: Value): string {
  const { graph } = tape;
  const [batch, channels] = [like.shape[0]!, channelsOf(like)];
  if (!like.blocked) {
    const single = graph.reshape(values, [batch, channels, ...like.shape.slice(2).map(() => 1)]);
    return graph.op('Expand', [single, graph.integers(like.shape)]);
  }
  const [, outer, height, width, block] = parts(tape, like);
  const single = graph.reshape(values, [batch * outer, 1, block]);
  return graph.reshape(
    graph.op('Expand', [single, graph.integers([batch * outer, height * width, block])]),
    like.shape,
  );
}
