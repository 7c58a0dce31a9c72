import { sizeOf } from '@consilium/model';
import { blockedOp, parts, toPlain } from '../blocked.js';
import { geometryOf, placesOf, poolWindow, slidingAttributes, type Geometry, type LayerOf } from '../geometry.js';
import type { Tape, Value } from '../tape.js';

/**
 * The largest of each window. Of several equal ones the first in reading order takes the whole gradient, as in
 * TensorFlow and PyTorch: dark borders of medical images are full of equal values, and giving each of them the gradient
 * would count it several times.
 */
export function maxPooling(
  tape: Tape,
  x: Value,
  layer: LayerOf<'max-pool2d' | 'max-pool3d'>,
  output: readonly number[],
): Value {
  const geometry = geometryOf(poolWindow(layer), x.shape.slice(2), output.slice(0, -1));
  return x.blocked && isTiling(geometry)
    ? blockedTiles(tape, x, geometry)
    : anyWindows(tape, toPlain(tape, x), geometry);
}

/** Whether windows lie side by side and leave nothing over. */
const isTiling = ({ window, stride, large, small }: Geometry): boolean =>
  window.every((size, i) => size === stride[i] && size * small[i]! === large[i]);

function anyWindows(tape: Tape, x: Value, geometry: Geometry): Value {
  const { graph } = tape;
  const [batch, channels] = x.shape as [number, number];
  const shape = [batch, channels, ...geometry.small];
  const [largest, places] = graph.ops('MaxPool', [x.name], 2, slidingAttributes(geometry)) as [string, string];
  return tape.record(tape.value(largest, shape), [x], (dy) => {
    const zeros = graph.op('Expand', [graph.number(0), graph.integers([sizeOf(x.shape)])]);
    const [at, gradients] = [places, dy].map((name) => graph.reshape(name, [sizeOf(shape)])) as [string, string];
    // Windows may overlap, so that one pixel is the largest of several.
    const placed = graph.op('ScatterElements', [zeros, at, gradients], { axis: 0, reduction: 'add' });
    tape.add(x, graph.reshape(placed, x.shape));
  });
}

/** Each place of the tiles is a slice of the image; the gradient goes to the first that holds the largest. */
function blockedTiles(tape: Tape, x: Value, geometry: Geometry): Value {
  const { graph } = tape;
  const [batch, channels] = x.shape as [number, number];
  const y = tape.value(
    blockedOp(tape, 'MaxPool', [x.name], slidingAttributes(geometry)),
    [batch, channels, ...geometry.small],
    true,
  );
  return tape.record(y, [x], (dy) => {
    const [, outer, height, width, block] = parts(tape, y);
    const [down, right] = geometry.window as [number, number];
    const tiles = [batch * outer * height, down, width, right * block];
    const small = [batch * outer * height, 1, width, block];
    const image = graph.reshape(x.name, tiles);
    const largest = graph.reshape(y.name, small);
    const rows: string[][] = Array.from({ length: down }, () => []);
    const places = placesOf(geometry.window) as readonly (readonly [number, number])[];
    let left = graph.reshape(dy, small);
    places.forEach(([row, column], i) => {
      if (i === places.length - 1) return void rows[row]!.push(left);
      const starts = [row, column * block];
      const tap = graph.slice(image, [1, 3], starts, [row + 1, (column + 1) * block]);
      const gradient = graph.op('Where', [graph.op('Equal', [tap, largest]), left, graph.number(0)]);
      left = graph.op('Sub', [left, gradient]);
      rows[row]!.push(gradient);
    });
    const whole = graph.concat(
      rows.map((row) => graph.concat(row, 3)),
      1,
    );
    tape.add(x, graph.reshape(whole, x.shape));
  });
}
