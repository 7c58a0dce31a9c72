import { trainableTensors } from '@consilium/model';
import { Fault } from '@consilium/stdx';
import type { FitJob, GradientJob } from '../job.js';
import { checkInputs, type GraphInterface } from './check-inputs.js';
import { classWeightsOf } from './class-weights.js';
import { DEFAULT_LOSS, hasClasses, LOSSES, targetsOf } from './loss/losses.js';
import type { LossAndGradient, LossName, Targets } from './loss/loss.js';

/** A job's loss, ready to be asked about a batch's logits. */
export interface Objective extends GraphInterface {
  readonly loss: LossName;
  /** Values of a sample's targets. */
  readonly targets: number;
  readonly classWeights: readonly number[];
  /** The names of the tensors that are trained. */
  readonly trainable: ReadonlySet<string>;
  /** `total` where these samples are a part of a batch: the number of samples of the whole. */
  lossOf(logits: Float32Array, targets: Targets, count: number, total?: number): LossAndGradient;
}

/**
 * @throws Fault GRAPH_INVALID where the model's output is not what the loss and its targets need, WEIGHTS_MISMATCH,
 *   DATA_EMPTY, ENGINE_UNSUPPORTED for class weights of a loss without classes
 */
export function objectiveOf(job: GradientJob & Pick<FitJob, 'frozen' | 'personal'>): Objective {
  const { graph, weights, images, labels, count, loss = DEFAULT_LOSS, classWeights: weighting, focalGamma } = job;
  const face = checkInputs(graph, weights, images, count);
  if (count === 0) throw new Fault('DATA_EMPTY', { split: 'train' });
  const { outputShape, outputs } = face;
  const layer = graph.layers.at(-1)!.name;
  if (loss === 'cox-partial-likelihood' && outputs !== 1) {
    throw new Fault('GRAPH_INVALID', { layer, expected: '[1], one log risk', came: shown(outputShape) });
  }
  // Whoever names a personal layer believes that it stays here, so it must be one.
  trainableTensors(graph, job.personal);
  const targets = targetsOf(loss, outputShape);
  if (labels.length !== count * targets) {
    const expected = `an output for the ${labels.length / count} targets of a sample`;
    throw new Fault('GRAPH_INVALID', { layer, expected, came: shown(outputShape) });
  }
  if (!hasClasses(loss) && weighting !== 'none') {
    throw new Fault('ENGINE_UNSUPPORTED', { feature: `class weights with ${loss}` });
  }
  const channels = outputShape.at(-1)!;
  const classes = loss === 'softmax-cross-entropy' ? channels : 2;
  const classWeights = classWeightsOf(weighting, labels, classes);
  return {
    ...face,
    loss,
    targets,
    classWeights,
    trainable: trainableTensors(graph, job.frozen),
    lossOf: (logits, of, samples, total) =>
      LOSSES[loss](logits, of, { count: samples, channels, classWeights, total, focalGamma }),
  };
}

/** The layer that a tensor, as `layer/part`, belongs to. */
export const layerOf = (tensor: string): string => tensor.slice(0, tensor.indexOf('/'));

const shown = (shape: readonly number[]): string => `[${shape.join(', ')}]`;
