import type { Graph } from '@consilium/model';
import { Fault, invariant, type SeededRandom } from '@consilium/stdx';
import { isSeparable } from '../fitting/loss/losses.js';
import { layerOf, objectiveOf, type Objective } from '../fitting/objective.js';
import type { Targets } from '../fitting/loss/loss.js';
import type { GradientJob } from '../job.js';
import type { DropoutMask } from './compile.js';
import { maskFeeds, targetFeeds } from './feeds.js';
import type { Machine } from './machine.js';
import type { Program } from './graph-builder.js';
import { differentiated, type ObjectiveTerms, type Target } from './programs.js';
import { Session, type Arrays } from './session.js';
import type { SampleGradients, Tape } from './tape.js';

/**
 * Gradients by patient, clipped and summed: what differentially private training (Abadi et al. 2016) adds its noise to.
 * All images of a patient count as one: the patient's loss is their mean, so a patient with many scans is protected as
 * one with a single scan is. Noise and the draw of patients are the caller's, and never come from a plan's seed.
 */
export interface PatientBatch {
  /** `[count, row]`, at most as many as the program takes. */
  readonly images: Float32Array;
  readonly labels: Targets;
  readonly count: number;
  /** For each sample its patient, numbered from 0 without gaps. */
  readonly patients: readonly number[];
}

export interface ClippedGradient {
  /** ‖∇ℓ‖ of each patient before clipping, over all trained tensors together. Private: it is for the site alone. */
  readonly norms: Float32Array;
  /** Σ over patients of ∇ℓ · min(1, clip / ‖∇ℓ‖), laid out by the manifest. */
  readonly sum: Float32Array;
}

/** A program of a fixed size that is asked about one batch after the other. */
export class PatientGradients {
  private constructor(
    private readonly session: Session,
    private readonly program: PatientProgram,
    private readonly objective: Objective,
    private readonly size: number,
  ) {}

  /**
   * @param job whose graph, loss, class weights and frozen layers are meant
   * @param size most samples of a batch
   * @throws Fault ENGINE_UNSUPPORTED for batch norm that is trained, which mixes patients, and for a loss of the batch
   *   as a whole; and as {@link Engine.fit}
   */
  static async open(job: PatientJob, size: number, machine: Machine): Promise<PatientGradients> {
    const objective = objectiveOf(job);
    refuseMixing(job.graph, objective);
    const program = patientProgram(job.graph, size, { ...objective, focalGamma: job.focalGamma }, machine.target);
    return new PatientGradients(await Session.open(program, machine), program, objective, size);
  }

  /** @param dropout where dropout's masks are drawn from */
  async clipped(
    weights: Float32Array,
    batch: PatientBatch,
    clip: number,
    dropout: Pick<SeededRandom, 'uniform'>,
  ): Promise<ClippedGradient> {
    const { size, objective, program } = this;
    const { count, patients } = batch;
    invariant(count <= size && patients.length === count, 'a batch fits its program and has a patient for each sample');
    const feeds = patientFeeds(objective, size, batch);
    const masks = maskFeeds(program.dropouts, size, dropout);
    const results = await this.session.run({ weights, clip: Float32Array.of(clip), ...feeds, ...masks });
    return {
      norms: results['norms']!.slice(0, Math.max(0, ...patients.map((patient) => patient + 1))),
      sum: results['sum']!,
    };
  }

  close(): Promise<void> {
    return this.session.close();
  }
}

type PatientJob = GradientJob & { readonly frozen?: readonly string[] };

/** A batch in as many places as the program has; those that are over count for nothing and nobody. */
function patientFeeds(objective: Objective, size: number, { images, labels, patients }: PatientBatch): Arrays {
  const { row, targets: perSample } = objective;
  const filledUp = (values: Float32Array, width: number): Float32Array => {
    const filled = new Float32Array(size * width);
    filled.set(values);
    return filled;
  };
  const samplesOf = new Map<number, number>();
  for (const patient of patients) samplesOf.set(patient, (samplesOf.get(patient) ?? 0) + 1);
  const membership = new Float32Array(size * size);
  patients.forEach((patient, sample) => (membership[patient * size + sample] = 1));
  // Shares of a mean over one sample, divided among those of the patient.
  const { targets, shares } = targetFeeds(objective, labels, 1);
  const divided = shares!.map((share, i) => share / samplesOf.get(patients[Math.floor(i / perSample)]!)!);
  return {
    images: filledUp(images, row),
    targets: filledUp(targets!, perSample),
    shares: filledUp(divided, perSample),
    membership,
  };
}

function refuseMixing({ layers }: Graph, { trainable, loss }: Objective): void {
  if (!isSeparable(loss)) throw new Fault('ENGINE_UNSUPPORTED', { feature: `gradients by patient with ${loss}` });
  const trained = new Set([...trainable].map(layerOf));
  for (const { name, type } of layers) {
    if (type === 'batch-norm' && trained.has(name)) throw new Fault('ENGINE_UNSUPPORTED', { layer: name, type });
  }
}

interface PatientProgram extends Program {
  readonly dropouts: readonly DropoutMask[];
}

/** Outputs `norms`, [batch], of patients and `sum`; fed with `membership`, [patients, samples] of 0 and 1, and `clip`. */
function patientProgram(graph: Graph, batch: number, objective: ObjectiveTerms, target: Target): PatientProgram {
  const { tape, dropouts } = differentiated(graph, batch, objective, target, true);
  const { graph: nodes, samples } = tape;
  const tensors = samples.map(({ tensor }) => tensor);
  invariant(
    new Set(tensors).size === tensors.length,
    'no tensor is used twice, whose uses would have to be added first',
  );

  // ‖Σ gᵢ‖² = Σ gᵢ·gⱼ over a patient's samples i and j, of which a Gram matrix holds all.
  const gram = samples.map((gradients) => gramOf(tape, gradients)).reduce((a, b) => nodes.op('Add', [a, b]));
  const membership = nodes.input('membership', [batch, batch]);
  const together = nodes.op('Mul', [nodes.op('MatMul', [membership, gram]), membership]);
  const squares = nodes.op('Max', [nodes.sum(together, [1]), nodes.number(0)]);
  const norms = nodes.op('Sqrt', [squares]);
  const factors = nodes.op('Min', [nodes.number(1), nodes.op('Div', [nodes.input('clip', []), norms])]);
  const bySample = nodes.op('MatMul', [nodes.reshape(factors, [1, batch]), membership]);
  for (const gradients of samples) tape.addWeightGradient(gradients.tensor, weightedSum(tape, gradients, bySample));
  nodes.output('norms', norms, [batch]);
  nodes.output('sum', tape.flatGradient(), [objective.manifest.size]);
  return { ...nodes.program(), dropouts };
}

/** The scalar products of all samples' gradients, [batch, batch]; those of outer products without forming these. */
function gramOf({ graph }: Tape, gradients: SampleGradients): string {
  const products = (rows: string): string => graph.op('Gemm', [rows, rows], { transB: 1 });
  if ('rows' in gradients) return products(gradients.rows);
  const [x, dy] = gradients.factors;
  return graph.op('Mul', [products(x), products(dy)]);
}

/** Σ of the samples' gradients, each times its factor, [1, batch]. */
function weightedSum({ graph, batch }: Tape, gradients: SampleGradients, factors: string): string {
  if ('rows' in gradients) return graph.op('MatMul', [factors, gradients.rows]);
  const [x, dy] = gradients.factors;
  const scaled = graph.op('Mul', [dy, graph.reshape(factors, [batch, 1])]);
  return graph.op('Gemm', [x, scaled], { transA: 1 });
}
