import { manifestOf, outputShapeOf, sizeOf, trainableTensors } from '@consilium/model';
import { seededRandom, type SeededRandom } from '@consilium/stdx';
import { weightsOf } from '@consilium/weights';
import type { GradientJob, GradientResult } from '../job.js';
import type { Operation } from './operation.js';

/** What an engine is asked: the mean loss of a batch and its gradient, laid out by the graph's manifest. */
export type Differentiate = (job: GradientJob) => GradientResult | Promise<GradientResult>;

/** How many directions each tensor's gradient is looked at from. */
const DIRECTIONS = 2;

/** A tensor's gradient counts as small beside the whole below this share, so that its rounding is not taken for an error. */
const SMALL = 1e-2;

/**
 * The relative error of an operation's gradient against central differences of its own losses.
 *
 * The loss L is the mean squared distance from fixed targets. One tensor at a time, the others held still: along a
 * direction v with entries ±1 the gradient g promises g·v and the losses show d = (L(w + hv) − L(w − hv)) / 2h; the
 * error is |d − g·v| / max(‖g‖, |d|), which for a wrong gradient is about ‖wrong part‖ / ‖g‖, and 1 for one that is
 * zero by mistake. Sums are in float64.
 *
 * | gradient | error |
 * |---|---|
 * | right | rounding: about 1e-6 for linear operations, 1e-4 for curved ones |
 * | not finite | Infinity |
 */
export async function gradientError(operation: Operation, differentiate: Differentiate): Promise<number> {
  const { name, graph, rows, samples, offset, step } = operation;
  const random = seededRandom('consilium/self-test', name);
  const manifest = manifestOf(graph);
  const values = startValues(operation, random);
  const labels = Float32Array.from(
    { length: samples * sizeOf(outputShapeOf(graph)) },
    () => offset + random.between(-1, 1),
  );
  const at = async (moved: Float32Array): Promise<GradientResult> =>
    differentiate({
      graph,
      weights: weightsOf(manifest, moved),
      images: rows.slice(),
      labels,
      count: samples,
      loss: 'mean-squared-error',
      classWeights: 'none',
    });

  const { gradient } = await at(values.slice());
  const whole = norm(gradient);
  if (!Number.isFinite(whole)) return Infinity;

  const trainable = trainableTensors(graph);
  let worst = 0;
  for (const tensor of manifest.tensors) {
    if (!trainable.has(tensor.name)) continue;
    const { offset: first, size } = tensor;
    const promised = gradient.subarray(first, first + size);
    for (let i = 0; i < DIRECTIONS; i++) {
      const direction = Float32Array.from({ length: size }, () => (random.integer(2) === 1 ? 1 : -1));
      const lossAt = async (h: number): Promise<number> => {
        const moved = values.slice();
        direction.forEach((v, j) => (moved[first + j] = moved[first + j]! + h * v));
        return (await at(moved)).loss;
      };
      const difference = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
      const scale = Math.max(norm(promised), Math.abs(difference), SMALL * whole);
      const error = Math.abs(difference - dot(promised, direction)) / scale;
      worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
    }
  }
  return worst;
}

/** Distinct values in every tensor; those that feed the tested layer lie around the operation's offset. */
function startValues({ graph, offset }: Operation, random: SeededRandom): Float32Array {
  const manifest = manifestOf(graph);
  const values = new Float32Array(manifest.size);
  for (const { name, offset: first, size } of manifest.tensors) {
    const around = name.startsWith('tested/') ? 0 : offset;
    values.set(distinctValues(size, random.permutation(size), around), first);
  }
  return values;
}

/** Values around `offset`, all at least 0.01 apart in random order, so that a maximum is never in doubt. */
const distinctValues = (size: number, order: Uint32Array, offset: number): Float32Array =>
  Float32Array.from(order, (rank) => offset + (4 * (rank - size / 2)) / Math.max(size, 100));

const norm = (values: Float32Array): number => Math.sqrt(dot(values, values));

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
