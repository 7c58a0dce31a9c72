import type { Graph } from '@consilium/model';
import type { Objective } from '../fitting/objective.js';
import { compile, rowsOf, type DropoutMask } from './compile.js';
import type { Program } from './graph-builder.js';
import { EMIT_LOSS } from './losses.js';
import { Tape, type TapeTerms } from './tape.js';
import { emitUpdate, type UpdateTerms } from './update.js';

/** What every program is compiled with. */
export interface Target {
  /** Channels that stand together in the blocked layout, or undefined for the plain one. */
  readonly block: number | undefined;
  /** In tests alone: changes the emitted backward pass, to see that it is found. */
  readonly plant?: (tape: Tape) => void;
}

/** A program that trains, or goes a part of the way. */
export interface DifferentiatingProgram extends Program {
  readonly dropouts: readonly DropoutMask[];
  /** Outputs that hold new moving statistics, by tensor. */
  readonly statistics: ReadonlyMap<string, string>;
}

export type ObjectiveTerms = Pick<
  Objective,
  'manifest' | 'trainable' | 'loss' | 'targets' | 'outputs' | 'outputShape'
> & {
  readonly focalGamma?: number | undefined;
};

/** Forward, backward, loss and update: outputs `loss`, `weights_after`, the optimiser's slots and moving statistics. */
export function trainingProgram(
  graph: Graph,
  batch: number,
  objective: ObjectiveTerms,
  update: UpdateTerms,
  target: Target,
): DifferentiatingProgram {
  const { tape, dropouts } = differentiated(graph, batch, objective, target);
  emitUpdate(tape, tape.flatGradient(), update);
  const statistics = statisticsOf(tape);
  return { ...tape.graph.program(), dropouts, statistics };
}

/** Forward, backward and loss of a part of a batch: outputs `loss`, `gradient` and moving statistics. */
export function partProgram(
  graph: Graph,
  batch: number,
  objective: ObjectiveTerms,
  target: Target,
): DifferentiatingProgram {
  const { tape, dropouts } = differentiated(graph, batch, objective, target);
  tape.graph.output('gradient', tape.flatGradient(), [objective.manifest.size]);
  const statistics = statisticsOf(tape);
  return { ...tape.graph.program(), dropouts, statistics };
}

/** Makes the new moving statistics outputs. */
function statisticsOf({ graph, statistics, terms }: Tape): ReadonlyMap<string, string> {
  const sizes = new Map(terms.manifest.tensors.map(({ name, size }) => [name, size]));
  return new Map(
    [...statistics].map(([tensor, name]) => {
      graph.output(`moved/${tensor}`, name, [sizes.get(tensor)!]);
      return [tensor, `moved/${tensor}`];
    }),
  );
}

/** Forward, backward and loss: outputs `loss` and `gradient`, laid out by the manifest. */
export function gradientProgram(graph: Graph, batch: number, objective: ObjectiveTerms, target: Target): Program {
  const { tape } = differentiated(graph, batch, objective, target);
  tape.graph.output('gradient', tape.flatGradient(), [objective.manifest.size]);
  return tape.graph.program();
}

/**
 * A tape that has gone forward, through the loss and back.
 *
 * @param apart whether the gradients of samples are kept apart
 */
export function differentiated(
  graph: Graph,
  batch: number,
  objective: ObjectiveTerms,
  target: Target,
  apart = false,
): { tape: Tape; dropouts: readonly DropoutMask[] } {
  const { manifest, trainable, loss, targets, outputs, outputShape, focalGamma } = objective;
  const tape = tapeFor({ batch, manifest, trainable, mode: 'training', apart }, target);
  const { output, dropouts } = compile(tape, graph);
  const logits = rowsOf(tape, output);
  const fed = ['targets', 'shares'].map((name) => tape.graph.input(name, [batch, targets])) as [string, string];
  const shape = { batch, outputs, channels: outputShape.at(-1)!, focalGamma };
  const emitted = EMIT_LOSS[loss](tape.graph, logits.name, ...fed, shape);
  tape.graph.output('loss', emitted.loss, []);
  tape.differentiate(logits, emitted.gradient);
  return { tape, dropouts };
}

/** Forward in inference: output `outputs`, [batch, outputs]. */
export function predictionProgram(
  graph: Graph,
  batch: number,
  { manifest, outputs }: Pick<Objective, 'manifest' | 'outputs'>,
  target: Target,
): Program {
  const tape = tapeFor({ batch, manifest, trainable: new Set(), mode: 'inference' }, target);
  const { output } = compile(tape, graph);
  tape.graph.output('outputs', rowsOf(tape, output).name, [batch, outputs]);
  return tape.graph.program();
}

function tapeFor(terms: Omit<TapeTerms, 'block'>, { block, plant }: Target): Tape {
  const tape = new Tape({ ...terms, block });
  plant?.(tape);
  return tape;
}
