import { invariant, seededRandom } from '@consilium/stdx';
import type { Tensor } from '@tensorflow/tfjs-core';
import { grads, tensor, tidy } from '../tensorflow/tfjs.js';
import type { Operation } from './operations.js';

/** How many directions each gradient is looked at from. */
const DIRECTIONS = 3;

/**
 * The relative error of an operation's gradient g against central differences of its own values.
 *
 * The operation is made scalar by fixed weights r: f(x) = r · y(x). Along a direction v with entries ±1 the gradient
 * promises g·v and the values show d = (f(x + hv) − f(x − hv)) / 2h; the error is |d − g·v| / max(‖g‖, |d|), which for
 * a wrong gradient is about ‖wrong part‖ / ‖g‖, and 1 for one that is zero by mistake. Sums are in float64.
 *
 * | gradient | error |
 * |---|---|
 * | right | rounding: about 1e-6 for linear operations, 1e-4 for curved ones |
 * | not finite | Infinity |
 */
export function gradientError({ name, shapes, compute, offset = 0, step }: Operation): number {
  const random = seededRandom('consilium/self-test', name);
  const inputs = shapes.map((shape) => distinctValues(sizeOf(shape), random.permutation(sizeOf(shape)), offset));
  const evaluate = (values: readonly Float32Array[]): Float32Array =>
    tidy(() =>
      compute(...asTensors(values, shapes))
        .dataSync<'float32'>()
        .slice(),
    );

  const shape = tidy(() => compute(...asTensors(inputs, shapes)).shape);
  const r = Float32Array.from({ length: sizeOf(shape) }, () => random.between(-1, 1));
  const gradients = tidy(() =>
    grads(compute)(asTensors(inputs, shapes), tensor(r.slice(), shape)).map((g) => g.dataSync<'float32'>().slice()),
  );
  const norm = Math.sqrt(gradients.reduce((sum, g) => sum + dot(g, g), 0));
  if (!Number.isFinite(norm)) return Infinity;

  let worst = 0;
  for (let direction = 0; direction < DIRECTIONS; direction++) {
    const v = inputs.map((x) => Float32Array.from(x, () => (random.integer(2) === 1 ? 1 : -1)));
    const moved = (h: number): number =>
      dot(evaluate(inputs.map((x, i) => x.map((value, j) => value + h * v[i]![j]!))), r);
    const difference = (moved(step) - moved(-step)) / (2 * step);
    const promised = gradients.reduce((sum, g, i) => sum + dot(g, v[i]!), 0);
    const error = Math.abs(difference - promised) / Math.max(norm, Math.abs(difference));
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
  }
  return worst;
}

/** Values around `offset`, all at least 0.01 apart in random order, so that a maximum is never in doubt. */
const distinctValues = (size: number, order: Uint32Array, offset: number): Float32Array =>
  Float32Array.from(order, (rank) => offset + (4 * (rank - size / 2)) / Math.max(size, 100));

const asTensors = (values: readonly Float32Array[], shapes: readonly (readonly number[])[]): Tensor[] =>
  // A copy, since the `cpu` backend keeps the very array it is given.
  values.map((value, i) => tensor(value.slice(), shapes[i] as number[]));

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

function dot(a: Float32Array, b: Float32Array): number {
  invariant(a.length === b.length, 'vectors of a dot product are equally long');
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
