import type { Layer } from '@consilium/model';
import { canBlock, imageSums, throughRelu, toBlocked, toPlain } from '../blocked.js';
import { blockedDown, blockedFilterGradients, blockedUp } from '../blocked-convolution.js';
import { down, filterGradients, kernelForOnnx, up } from '../convolution.js';
import { geometryOf, type Geometry, type LayerOf } from '../geometry.js';
import type { Tape, Value } from '../tape.js';

type Convolution = LayerOf<'conv2d' | 'conv3d' | 'depthwise-conv2d'>;

interface Parts {
  readonly geometry: Geometry;
  /** As TensorFlow lays it out: [...window, in / groups, out]. */
  readonly kernelShape: readonly number[];
  readonly weight: Value;
  readonly bias: Value | undefined;
}

/**
 * y = x ∗ kernel + bias. A depthwise convolution is one of as many groups as channels.
 *
 * @param output of one sample, channels last
 * @param relu whether y is made no less than 0 on the way
 */
export function convolution(tape: Tape, x: Value, layer: Convolution, output: readonly number[], relu = false): Value {
  const [channels, filters] = [x.shape[1]!, output.at(-1)!];
  const groups = layer.type === 'depthwise-conv2d' ? channels : layer.groups;
  const { kernel: window, stride, dilation, padding } = layer;
  const geometry = geometryOf({ window, stride, dilation, padding, groups }, x.shape.slice(2), output.slice(0, -1));
  const kernelShape = [...window, channels / groups, filters];
  const parts: Parts = { geometry, kernelShape, ...weightsOf(tape, layer, kernelShape, filters) };
  return isBlocked(tape, groups, x, filters)
    ? blockedConvolution(tape, x, layer, parts, relu)
    : plainConvolution(tape, toPlain(tape, x), layer, parts, relu);
}

/** Few channels, as those of an image, are read from the plain layout and written to the blocked one. */
function isBlocked(tape: Tape, groups: number, x: Value, filters: number): boolean {
  const rank = x.shape.length;
  const channels = x.shape[1]!;
  if (groups !== 1 || !canBlock(tape, filters, rank)) return false;
  return canBlock(tape, channels, rank) || (channels < tape.terms.block! && !tape.wants(x));
}

const weightsOf = (
  tape: Tape,
  layer: Layer & { readonly bias: boolean },
  kernelShape: readonly number[],
  filters: number,
): Pick<Parts, 'weight' | 'bias'> => ({
  weight: tape.weight(`${layer.name}/kernel`, kernelShape),
  bias: layer.bias ? tape.weight(`${layer.name}/bias`, [filters]) : undefined,
});

function plainConvolution(
  tape: Tape,
  x: Value,
  { name }: Convolution,
  { geometry, kernelShape, weight, bias }: Parts,
  relu: boolean,
): Value {
  const { graph } = tape;
  const [batch, channels] = x.shape as [number, number];
  const filters = kernelShape.at(-1)!;
  const kernel = kernelForOnnx(graph, weight.name, geometry.window);
  const sums = down(graph, x.name, kernel, geometry, bias?.name);
  const y = tape.value(relu ? graph.op('Relu', [sums]) : sums, [batch, filters, ...geometry.small]);
  return tape.record(y, [x, weight, ...(bias ? [bias] : [])], (after) => {
    const dy = relu ? throughRelu(tape, after, y.name) : after;
    if (bias && tape.wants(bias)) tape.addSampleGradients(`${name}/bias`, imageSums(tape, dy, y));
    if (tape.wants(weight)) {
      const gradients = filterGradients(graph, x.name, dy, geometry, [batch, channels, filters]);
      tape.addSampleGradients(`${name}/kernel`, gradients);
    }
    if (tape.wants(x)) tape.add(x, up(graph, dy, kernel, geometry));
  });
}

function blockedConvolution(
  tape: Tape,
  given: Value,
  { name }: Convolution,
  { geometry, kernelShape, weight, bias }: Parts,
  relu: boolean,
): Value {
  const few = given.shape[1]! < tape.terms.block!;
  const x = few ? toPlain(tape, given) : toBlocked(tape, given);
  const [batch, channels] = x.shape as [number, number];
  const shape = [batch, kernelShape.at(-1)!, ...geometry.small];
  const sums = blockedDown(tape, x.name, weight.name, kernelShape, geometry, { bias: bias?.name, relu });
  const y = tape.value(sums, shape, true);
  return tape.record(y, [x, weight, ...(bias ? [bias] : [])], (after) => {
    const dy = relu ? throughRelu(tape, after, y.name) : after;
    if (bias && tape.wants(bias)) tape.addSampleGradients(`${name}/bias`, imageSums(tape, dy, y));
    if (tape.wants(weight)) {
      const gradients = blockedFilterGradients(tape, toPlain(tape, x).name, dy, y, geometry, channels);
      tape.addSampleGradients(`${name}/kernel`, gradients);
    }
    if (tape.wants(x)) tape.add(x, blockedUp(tape, dy, y, weight.name, kernelShape, geometry));
  });
}

/** The transpose of a convolution, which runs from its small side to its large one. */
export function transposedConvolution(
  tape: Tape,
  given: Value,
  layer: LayerOf<'transposed-conv2d' | 'transposed-conv3d'>,
  output: readonly number[],
): Value {
  const { graph } = tape;
  const x = toPlain(tape, given);
  const [batch, channels] = x.shape as [number, number];
  const { name, kernel: window, stride, padding } = layer;
  const filters = layer.filters;
  const geometry = geometryOf({ window, stride, padding }, output.slice(0, -1), x.shape.slice(2));
  // [...window, out, in]: the kernel of the convolution that this is the transpose of.
  const { weight, bias } = weightsOf(tape, layer, [...window, filters, channels], filters);
  const kernel = kernelForOnnx(graph, weight.name, window);
  const y = tape.value(up(graph, x.name, kernel, geometry, bias?.name), [batch, filters, ...geometry.large]);
  return tape.record(y, [x, weight, ...(bias ? [bias] : [])], (dy) => {
    if (bias && tape.wants(bias)) tape.addSampleGradients(`${name}/bias`, imageSums(tape, dy, y));
    if (tape.wants(weight)) {
      const gradients = filterGradients(graph, dy, x.name, geometry, [batch, filters, channels]);
      tape.addSampleGradients(`${name}/kernel`, gradients);
    }
    if (tape.wants(x)) tape.add(x, down(graph, dy, kernel, geometry));
  });
}
