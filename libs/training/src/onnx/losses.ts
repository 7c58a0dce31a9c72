import { FOCAL_GAMMA } from '../fitting/loss/focal.js';
import { DICE_SMOOTH } from '../fitting/loss/dice.js';
import type { LossName } from '../fitting/loss/loss.js';
import type { GraphBuilder } from './graph-builder.js';

/** A loss in the graph: a scalar, and what it would change with each logit, [batch, outputs]. */
export interface EmittedLoss {
  readonly loss: string;
  readonly gradient: string;
}

export interface LossShape {
  readonly batch: number;
  /** Values that the model puts out for a sample, and the last axis of them. */
  readonly outputs: number;
  readonly channels: number;
  readonly focalGamma?: number | undefined;
}

type Emit = (graph: GraphBuilder, logits: string, targets: string, shares: string, shape: LossShape) => EmittedLoss;

/**
 * The losses of `fitting/loss`, whose files say what they mean, as nodes of the graph.
 *
 * @param logits [batch, outputs]
 * @param targets [batch, …] as the loss has them, float32
 * @param shares laid out as the targets: how much each counts, class weight / number of values
 */
export const EMIT_LOSS: Readonly<Record<LossName, Emit>> = {
  'binary-cross-entropy': (graph, logits, targets, shares) => {
    const each = graph.op('Sub', [graph.op('Softplus', [logits]), graph.op('Mul', [logits, targets])]);
    const error = graph.op('Sub', [graph.op('Sigmoid', [logits]), targets]);
    return weighted(graph, each, error, shares);
  },

  'softmax-cross-entropy': (graph, logits, targets, shares, { batch, outputs, channels }) => {
    const places = (batch * outputs) / channels;
    const rows = graph.reshape(logits, [places, channels]);
    const classes = graph.constant(
      Float32Array.from({ length: channels }, (_, i) => i),
      [1, channels],
    );
    const isClass = graph.op('Equal', [graph.reshape(targets, [places, 1]), classes]);
    const truth = graph.op('Cast', [isClass], { to: 1 });
    const logs = graph.op('LogSoftmax', [rows], { axis: 1 });
    const each = graph.op('Neg', [graph.sum(graph.op('Mul', [logs, truth]), [1], true)]);
    const error = graph.op('Sub', [graph.op('Exp', [logs]), truth]);
    const { loss, gradient } = weighted(graph, each, error, graph.reshape(shares, [places, 1]));
    return { loss, gradient: graph.reshape(gradient, [batch, outputs]) };
  },

  focal: (graph, logits, targets, shares, { focalGamma: gamma = FOCAL_GAMMA }) => {
    const one = graph.number(1);
    const sign = graph.op('Sub', [graph.scale(targets, 2), one]);
    const x = graph.op('Mul', [sign, logits]);
    const logP = graph.op('Neg', [graph.op('Softplus', [graph.op('Neg', [x])])]);
    const hardness = graph.op('Exp', [graph.scale(graph.op('Softplus', [x]), -gamma)]);
    const each = graph.op('Neg', [graph.op('Mul', [hardness, logP])]);
    const p = graph.op('Sigmoid', [x]);
    const pull = graph.op('Add', [graph.scale(graph.op('Mul', [p, logP]), gamma), graph.op('Sub', [p, one])]);
    return weighted(graph, each, graph.op('Mul', [graph.op('Mul', [sign, hardness]), pull]), shares);
  },

  'mean-squared-error': (graph, logits, targets, shares) => {
    const error = graph.op('Sub', [logits, targets]);
    return weighted(graph, graph.op('Mul', [error, error]), graph.scale(error, 2), shares);
  },

  // A mask counts as its values together do, which all count alike.
  dice: (graph, logits, targets, shares, { batch, outputs, channels }) => {
    const masks = [batch, outputs / channels, channels];
    const share = graph.scale(graph.slice(graph.reshape(shares, masks), [1], [0], [1]), outputs / channels);
    const p = graph.op('Sigmoid', [graph.reshape(logits, masks)]);
    const t = graph.reshape(targets, masks);
    const smooth = graph.number(DICE_SMOOTH);
    const above = graph.op('Add', [graph.scale(graph.sum(graph.op('Mul', [p, t]), [1], true), 2), smooth]);
    const below = graph.op('Add', [graph.sum(graph.op('Add', [p, t]), [1], true), smooth]);
    const each = graph.op('Sub', [graph.number(1), graph.op('Div', [above, below])]);
    const slope = graph.op('Mul', [p, graph.op('Sub', [graph.number(1), p])]);
    const rise = graph.op('Sub', [above, graph.op('Mul', [graph.scale(t, 2), below])]);
    const error = graph.op('Div', [graph.op('Mul', [rise, slope]), graph.op('Mul', [below, below])]);
    const { loss, gradient } = weighted(graph, each, error, share);
    return { loss, gradient: graph.reshape(gradient, [batch, outputs]) };
  },

  // A softmax cross-entropy of each event among those who are at risk at its time.
  'cox-partial-likelihood': (graph, logits, targets, _, { batch }) => {
    const [times, events] = graph.split(targets, 1, [1, 1]) as [string, string];
    const atRisk = graph.op('GreaterOrEqual', [graph.reshape(times, [1, batch]), times]);
    const risks = graph.op('Where', [atRisk, graph.reshape(logits, [1, batch]), graph.number(-1e30)]);
    const logs = graph.op('LogSoftmax', [risks], { axis: 1 });
    const count = graph.op('Max', [graph.sum(events, [0, 1]), graph.number(1)]);
    const diagonal = Float32Array.from({ length: batch * batch }, (__, i) => (i % (batch + 1) === 0 ? 1 : 0));
    const own = graph.sum(graph.op('Mul', [logs, graph.constant(diagonal, [batch, batch])]), [1], true);
    const loss = graph.op('Div', [graph.op('Neg', [graph.sum(graph.op('Mul', [events, own]), [0, 1])]), count]);
    const shares = graph.op('MatMul', [graph.reshape(events, [1, batch]), graph.op('Exp', [logs])]);
    const error = graph.op('Sub', [graph.reshape(shares, [batch, 1]), events]);
    return { loss, gradient: graph.op('Div', [error, count]) };
  },
};

function weighted(graph: GraphBuilder, each: string, error: string, shares: string): EmittedLoss {
  const loss = graph.op('ReduceSum', [graph.op('Mul', [each, shares])], { keepdims: 0 });
  return { loss, gradient: graph.op('Mul', [error, shares]) };
}
