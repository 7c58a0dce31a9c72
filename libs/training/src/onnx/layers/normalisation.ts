import { sizeOf } from '@consilium/model';
import { imageSums, perChannel } from '../blocked.js';
import type { LayerOf } from '../geometry.js';
import { channelsOf, type Tape, type Value } from '../tape.js';
import { channelsLast, channelsSecond, reshaped, transposed } from './axes.js';

/**
 * Group normalisation (Wu & He 2018): each sample by itself, over its pixels and the channels of a group. A batch of N
 * images of C channels is treated as one image of N · C channels, so that each has its own scale and shift and the
 * blocked layout's one pass does for it what it does for batch norm.
 */
export function groupNorm(tape: Tape, given: Value, { name, groups, epsilon }: LayerOf<'group-norm'>): Value {
  const x = asImage(tape, given);
  const { graph, batch } = tape;
  const channels = channelsOf(x);
  const whole: Value = { ...x, shape: [1, batch * channels, ...x.shape.slice(2)] };
  const share = (batch * groups) / sizeOf(x.shape);
  const gamma = tape.weight(`${name}/gamma`, [channels]);
  const beta = tape.weight(`${name}/beta`, [channels]);

  const grouped = (sums: string): string =>
    graph.scale(graph.sum(graph.reshape(sums, [batch, groups, channels / groups]), [2]), share);
  const ofChannels = (values: string): string => {
    const single = graph.reshape(values, [batch, groups, 1]);
    return graph.reshape(graph.op('Expand', [single, graph.integers([batch, groups, channels / groups])]), [-1]);
  };
  const repeated = (vector: string): string =>
    graph.reshape(graph.op('Expand', [graph.reshape(vector, [1, channels]), graph.integers([batch, channels])]), [-1]);
  const view = (image: string): string => graph.reshape(image, whole.shape);
  const sumsOf = (image: string): string => imageSums(tape, image, whole);

  const ones = graph.constant(new Float32Array(batch * channels).fill(1), [batch * channels]);
  const mean = grouped(sumsOf(view(x.name)));
  const centred = perChannel(tape, view(x.name), whole, ones, ofChannels(graph.op('Neg', [mean])));
  const variance = grouped(sumsOf(graph.op('Mul', [centred, centred])));
  const deviation = ofChannels(graph.op('Sqrt', [graph.op('Add', [variance, graph.number(epsilon)])]));
  const factors = repeated(gamma.name);
  const scale = graph.op('Div', [factors, deviation]);
  const normed = perChannel(tape, centred, whole, scale, repeated(beta.name));
  const y = tape.value(graph.reshape(normed, x.shape), x.shape, x.blocked);
  tape.record(y, [x, gamma, beta], (after) => {
    const dy = view(after);
    const [sums, products] = [dy, graph.op('Mul', [dy, centred])].map((image) =>
      graph.reshape(sumsOf(image), [batch * channels]),
    ) as [string, string];
    const rows = (vector: string): string => graph.reshape(vector, [batch, channels]);
    tape.addSampleGradients(`${name}/beta`, rows(sums));
    tape.addSampleGradients(`${name}/gamma`, rows(graph.op('Div', [products, deviation])));
    if (!tape.wants(x)) return;
    // dx = (γ · dy − mean of γ · dy − (x − mean) · mean of γ · dy · (x − mean) / variance) / deviation
    const meanOf = (vector: string): string => ofChannels(grouped(graph.op('Mul', [factors, vector])));
    const slope = graph.op('Div', [meanOf(products), graph.op('Mul', [deviation, deviation])]);
    const [byX, shift] = [slope, meanOf(sums)].map((part) => graph.op('Neg', [graph.op('Div', [part, deviation])]));
    const others = perChannel(tape, centred, whole, byX!, shift!);
    const gradient = perChannel(tape, dy, whole, scale, undefined, { sum: others });
    tape.add(x, graph.reshape(gradient, x.shape));
  });
  return asBefore(tape, y, given);
}

/** Everything with its channels second and two axes of pixels or more. */
function asImage(tape: Tape, x: Value): Value {
  if (x.shape.length >= 4) return x;
  const second = x.shape.length === 3 ? transposed(tape, x, [0, 2, 1]) : x;
  const [batch, channels, tokens = 1] = second.shape as [number, number, number?];
  return reshaped(tape, second, [batch, channels, tokens, 1]);
}

function asBefore(tape: Tape, y: Value, given: Value): Value {
  if (given.shape.length >= 4) return y;
  if (given.shape.length === 2) return reshaped(tape, y, given.shape);
  return transposed(tape, reshaped(tape, y, y.shape.slice(0, 3)), [0, 2, 1]);
}

/** Layer normalisation (Ba et al. 2016) over the channels of each place. */
export function layerNorm(tape: Tape, given: Value, { name, epsilon }: LayerOf<'layer-norm'>): Value {
  const x = channelsLast(tape, given);
  const { graph, batch } = tape;
  const axis = x.shape.length - 1;
  const channels = x.shape[axis]!;
  const gamma = tape.weight(`${name}/gamma`, [channels]);
  const beta = tape.weight(`${name}/beta`, [channels]);
  const centred = graph.op('Sub', [x.name, graph.mean(x.name, [axis], true)]);
  const variance = graph.mean(graph.op('Mul', [centred, centred]), [axis], true);
  const deviation = graph.op('Sqrt', [graph.op('Add', [variance, graph.number(epsilon)])]);
  const standard = graph.op('Div', [centred, deviation]);
  const y = tape.value(graph.op('Add', [graph.op('Mul', [standard, gamma.name]), beta.name]), x.shape);
  tape.record(y, [x, gamma, beta], (dy) => {
    const rows = (values: string): string => graph.sum(graph.reshape(values, [batch, -1, channels]), [1]);
    tape.addSampleGradients(`${name}/beta`, rows(dy));
    tape.addSampleGradients(`${name}/gamma`, rows(graph.op('Mul', [dy, standard])));
    if (!tape.wants(x)) return;
    const scaled = graph.op('Mul', [dy, gamma.name]);
    const along = graph.mean(graph.op('Mul', [scaled, standard]), [axis], true);
    const rest = graph.op('Sub', [scaled, graph.mean(scaled, [axis], true)]);
    tape.add(x, graph.op('Div', [graph.op('Sub', [rest, graph.op('Mul', [standard, along])]), deviation]));
  });
  return channelsSecond(tape, y);
}
