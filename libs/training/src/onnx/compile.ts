import { inferShapes, inputRow, resolveInputs, sizeOf, type Graph, type Layer, type Shape } from '@consilium/model';
import { unreachable } from '@consilium/stdx';
import { reluAfterPool } from '../tensorflow/relu-after-pool.js';
import { alike } from './blocked.js';
import { fusionOf, type Fused } from './fusion.js';
import { activation } from './layers/activation.js';
import { attention } from './layers/attention.js';
import { channelsLast, channelsSecond, reshaped } from './layers/axes.js';
import { batchNorm } from './layers/batch-norm.js';
import { convolution, transposedConvolution } from './layers/convolution.js';
import { dense } from './layers/dense.js';
import { dropout } from './layers/dropout.js';
import { embedding } from './layers/embedding.js';
import { add, concat, multiply } from './layers/joining.js';
import { maxPooling } from './layers/max-pooling.js';
import { groupNorm, layerNorm } from './layers/normalisation.js';
import { averagePooling, globalAveragePooling, globalMaxPooling } from './layers/pooling.js';
import { upsampling } from './layers/upsampling.js';
import type { Tape, Value } from './tape.js';

/** Emits a graph's layers onto a tape. */
export interface Compiled {
  /** `[batch, …output]`, channels last. */
  readonly output: Value;
  /** Layers whose masks are fed, in the order in which they are drawn. */
  readonly dropouts: readonly DropoutMask[];
}

export interface DropoutMask {
  readonly layer: string;
  readonly rate: number;
  readonly shape: Shape;
}

/** The forward pass, with its way back on the tape. */
export function compile(tape: Tape, given: Graph): Compiled {
  const graph = reluAfterPool(given);
  const shapes = inferShapes(graph);
  const sources = resolveInputs(graph);
  const { ending, within } = fusionOf(graph);
  const values = inputValues(tape, graph);
  const dropouts: DropoutMask[] = [];
  for (const layer of graph.layers) {
    if (layer.type === 'input' || within.has(layer.name)) continue;
    const valueOf = (source: string): Value => values.get(source)!;
    const shape = shapes.get(layer.name)!;
    const fused = ending.get(layer.name);
    if (fused) {
      const fed = valueOf(sources.get(fused.first.name)![0]!);
      values.set(layer.name, fusedValue(tape, fused, fed, shape, valueOf));
      continue;
    }
    const fed = sources.get(layer.name)!.map(valueOf);
    const drops = layer.type === 'dropout' && layer.rate > 0 && tape.terms.mode === 'training';
    if (drops) dropouts.push({ layer: layer.name, rate: layer.rate, shape });
    values.set(layer.name, drops ? dropout(tape, fed[0]!, layer.name, shape) : valueOfLayer(tape, layer, fed, shape));
  }
  return { output: channelsLast(tape, values.get(graph.layers.at(-1)!.name)!), dropouts };
}

/** Each input's part of the rows, as images are laid out. */
function inputValues(tape: Tape, graph: Graph): Map<string, Value> {
  const { parts, size: row } = inputRow(graph);
  const images = tape.graph.input('images', [tape.batch, row]);
  const pieces = tape.graph.split(
    images,
    1,
    parts.map(({ size }) => size),
  );
  return new Map(
    parts.map(({ name, shape, size }, i) => {
      const flat = tape.value(pieces[i]!, [tape.batch, size]);
      return [name, channelsSecond(tape, reshaped(tape, flat, [tape.batch, ...shape]))];
    }),
  );
}

function fusedValue(
  tape: Tape,
  { first, residual, relu }: Fused,
  fed: Value,
  shape: Shape,
  valueOf: (name: string) => Value,
): Value {
  if (first.type !== 'batch-norm') return convolution(tape, fed, first, shape, relu);
  if (residual === undefined) return batchNorm(tape, fed, first, { relu });
  const [x, other] = alike(tape, [fed, valueOf(residual)]) as [Value, Value];
  return batchNorm(tape, x, first, { residual: other, relu });
}

function valueOfLayer(
  tape: Tape,
  layer: Exclude<Layer, { type: 'input' }>,
  fed: readonly Value[],
  shape: Shape,
): Value {
  const x = fed[0]!;
  switch (layer.type) {
    case 'conv2d':
    case 'conv3d':
    case 'depthwise-conv2d':
      return convolution(tape, x, layer, shape);
    case 'transposed-conv2d':
    case 'transposed-conv3d':
      return transposedConvolution(tape, x, layer, shape);
    case 'dense':
      return dense(tape, x, layer);
    case 'embedding':
      return embedding(tape, x, layer);
    case 'attention':
      return attention(tape, x, layer);
    case 'batch-norm':
      return batchNorm(tape, x, layer);
    case 'group-norm':
      return groupNorm(tape, x, layer);
    case 'layer-norm':
      return layerNorm(tape, x, layer);
    case 'max-pool2d':
    case 'max-pool3d':
      return maxPooling(tape, x, layer, shape);
    case 'average-pool2d':
    case 'average-pool3d':
      return averagePooling(tape, x, layer, shape);
    case 'global-average-pool':
      return globalAveragePooling(tape, x);
    case 'global-max-pool':
      return globalMaxPooling(tape, x);
    case 'upsample2d':
    case 'upsample3d':
      return upsampling(tape, x, layer);
    case 'flatten':
    case 'reshape':
      return channelsSecond(tape, reshaped(tape, channelsLast(tape, x), [tape.batch, ...shape]));
    case 'dropout':
      // With a rate of 0, or outside of training, nothing is dropped.
      return x;
    case 'activation':
      return activation(tape, x, layer.function);
    case 'add':
      return add(tape, fed);
    case 'multiply':
      return multiply(tape, x, fed[1]!);
    case 'concat':
      return concat(tape, fed);
    default:
      return unreachable(layer);
  }
}

/** The output as rows of logits, [batch, outputs]. */
export const rowsOf = (tape: Tape, output: Value): Value =>
  reshaped(tape, output, [tape.batch, sizeOf(output.shape) / tape.batch]);
