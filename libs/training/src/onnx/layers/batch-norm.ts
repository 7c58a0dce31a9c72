import { sizeOf } from '@consilium/model';
import { channelSums, perChannel, throughRelu } from '../blocked.js';
import type { LayerOf } from '../geometry.js';
import { channelsOf, type Tape, type Value } from '../tape.js';

/** What may follow a batch norm and be computed with it. */
export interface AfterNorm {
  /** Added to the output, laid out as the input is. */
  readonly residual?: Value | undefined;
  readonly relu: boolean;
}

/**
 * Batch normalisation (Ioffe & Szegedy 2015) by the batch in training, and by the moving statistics else and where the
 * layer is frozen. Statistics move as Keras moves them: moving ← moving − (moving − batch) · (1 − momentum), with the
 * biased variance. The variance is taken around the mean, in a second pass: E[x²] − E[x]² would cancel.
 */
export function batchNorm(
  tape: Tape,
  x: Value,
  layer: LayerOf<'batch-norm'>,
  { residual, relu }: AfterNorm = { relu: false },
): Value {
  const moves = tape.terms.mode === 'training' && tape.trains(`${layer.name}/gamma`);
  return moves ? byBatch(tape, x, layer, { residual, relu }) : byStatistics(tape, x, layer, { residual, relu });
}

function byBatch(tape: Tape, x: Value, layer: LayerOf<'batch-norm'>, { residual, relu }: AfterNorm): Value {
  const { graph } = tape;
  const { name, epsilon, momentum } = layer;
  const channels = channelsOf(x);
  const share = channels / sizeOf(x.shape);
  const gamma = tape.weight(`${name}/gamma`, [channels]);
  const beta = tape.weight(`${name}/beta`, [channels]);
  const ones = graph.constant(new Float32Array(channels).fill(1), [channels]);

  const mean = graph.scale(channelSums(tape, x.name, x), share);
  const centred = perChannel(tape, x.name, x, ones, graph.op('Neg', [mean]));
  const variance = graph.scale(channelSums(tape, graph.op('Mul', [centred, centred]), x), share);
  const deviation = graph.op('Sqrt', [graph.op('Add', [variance, graph.number(epsilon)])]);
  const scale = graph.op('Div', [gamma.name, deviation]);
  const normed = perChannel(tape, centred, x, scale, beta.name, { sum: residual?.name, relu });
  const y = tape.value(normed, x.shape, x.blocked);
  moveStatistics(tape, `${name}/moving_mean`, mean, momentum);
  moveStatistics(tape, `${name}/moving_variance`, variance, momentum);

  return tape.record(y, [x, gamma, beta, ...(residual ? [residual] : [])], (after) => {
    const dy = relu ? throughRelu(tape, after, y.name) : after;
    if (residual) tape.add(residual, dy);
    const sums = channelSums(tape, dy, x);
    const products = channelSums(tape, graph.op('Mul', [dy, centred]), x);
    tape.addWeightGradient(`${name}/beta`, sums);
    tape.addWeightGradient(`${name}/gamma`, graph.op('Div', [products, deviation]));
    if (!tape.wants(x)) return;
    // dx = scale · (dy − mean of dy − (x − mean) · mean of dy · (x − mean) / variance)
    const slope = graph.op('Div', [graph.scale(products, -share), graph.op('Mul', [deviation, deviation])]);
    const [byX, shift] = [slope, graph.scale(sums, -share)].map((part) => graph.op('Mul', [scale, part]));
    const others = perChannel(tape, centred, x, byX!, shift!);
    tape.add(x, perChannel(tape, dy, x, scale, undefined, { sum: others }));
  });
}

function byStatistics(tape: Tape, x: Value, layer: LayerOf<'batch-norm'>, { residual, relu }: AfterNorm): Value {
  const { graph } = tape;
  const channels = channelsOf(x);
  const [gamma, beta, mean, variance] = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((part) =>
    tape.weight(`${layer.name}/${part}`, [channels]),
  ) as [Value, Value, Value, Value];
  const deviation = graph.op('Sqrt', [graph.op('Add', [variance.name, graph.number(layer.epsilon)])]);
  const scale = graph.op('Div', [gamma.name, deviation]);
  const shift = graph.op('Sub', [beta.name, graph.op('Mul', [scale, mean.name])]);
  const normed = perChannel(tape, x.name, x, scale, shift, { sum: residual?.name, relu });
  const y = tape.value(normed, x.shape, x.blocked);
  return tape.record(y, [x, ...(residual ? [residual] : [])], (after) => {
    const dy = relu ? throughRelu(tape, after, y.name) : after;
    if (residual) tape.add(residual, dy);
    if (tape.wants(x)) tape.add(x, perChannel(tape, dy, x, scale));
  });
}

function moveStatistics(tape: Tape, tensor: string, batch: string, momentum: number): void {
  const { graph } = tape;
  const moving = tape.weight(tensor, [-1]).name;
  const towards = graph.scale(graph.op('Sub', [moving, batch]), 1 - momentum);
  tape.statistics.set(tensor, graph.op('Sub', [moving, towards]));
}
