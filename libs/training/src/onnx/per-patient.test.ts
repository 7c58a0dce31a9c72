import { graphSchema, type Graph } from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import { afterEach, describe, expect, it } from 'vitest';
import type { LossName } from '../fitting/loss/loss.js';
import type { GradientJob } from '../job.js';
import { gradient } from './gradient.js';
import { FUSION, gradientJob, MLP, RESIDUAL, SMALL_CNN, U_NET } from './graphs.fixture.js';
import { MACHINES, plain, relativeError } from './machines.fixture.js';
import { PatientGradients } from './per-patient.js';

const TOKENS: Graph = graphSchema.parse({
  layers: [
    { type: 'input', name: 'codes', shape: [5] },
    { type: 'embedding', name: 'table', vocabulary: 9, units: 8 },
    { type: 'attention', name: 'seen', heads: 2 },
    { type: 'layer-norm', name: 'norm' },
    { type: 'dense', name: 'read', units: 3 },
    { type: 'flatten', name: 'flat' },
    { type: 'dense', name: 'logit', units: 1 },
  ],
});

const GRAPHS: [string, Graph, LossName][] = [
  ['an MLP', MLP, 'binary-cross-entropy'],
  ['a small CNN', SMALL_CNN, 'binary-cross-entropy'],
  ['a late fusion with group norm', FUSION, 'focal'],
  ['a U-Net', U_NET, 'dice'],
  ['attention over tokens', TOKENS, 'mean-squared-error'],
];

const random = seededRandom('test dropout');

/** Six samples of four patients, in no order. */
const PATIENTS = [2, 0, 1, 0, 3, 0];

function jobOf(graph: Graph, loss: LossName): GradientJob {
  const job = gradientJob(graph, loss, { count: PATIENTS.length });
  return graph === TOKENS ? { ...job, images: job.images.map((_, i) => (i * 7) % 9) } : job;
}

/** Each patient's gradient by itself: of the mean loss of its samples alone. */
async function oneByOne(job: GradientJob): Promise<Float32Array[]> {
  const row = job.images.length / job.count;
  const targets = job.labels.length / job.count;
  const gradients: Float32Array[] = [];
  for (let patient = 0; patient < 4; patient++) {
    const own = PATIENTS.flatMap((of, sample) => (of === patient ? [sample] : []));
    const part = <T extends Float32Array | Uint8Array>(values: T, size: number): T =>
      values.filter((_, i) => own.includes(Math.floor(i / size))) as T;
    const ownJob = { ...job, images: part(job.images, row), labels: part(job.labels, targets), count: own.length };
    gradients.push((await gradient(ownJob, plain)).gradient);
  }
  return gradients;
}

let opened: PatientGradients | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

describe.each(MACHINES)('gradients by patient in the %s layout', (_, machine) => {
  it.each(GRAPHS)('are clipped and summed as if each had been alone: %s', async (__, graph, loss) => {
    const job = jobOf(graph, loss);
    const alone = await oneByOne(job);
    const norms = alone.map((values) => Math.hypot(...values));
    // Between the norms, so that some are clipped and some are not.
    const clip = (Math.min(...norms) + Math.max(...norms)) / 2;
    const expected = alone[0]!.map((___, i) =>
      alone.reduce((sum, values, patient) => sum + values[i]! * Math.min(1, clip / norms[patient]!), 0),
    );

    // Two places more than samples: what only fills the batch changes nothing.
    opened = await PatientGradients.open(job, PATIENTS.length + 2, machine);
    const clipped = await opened.clipped(job.weights.values, { ...job, patients: PATIENTS }, clip, random);
    expect(clipped.norms).toHaveLength(4);
    norms.forEach((norm, patient) => expect(clipped.norms[patient]! / norm).toBeCloseTo(1, 4));
    expect(relativeError(clipped.sum, expected)).toBeLessThan(1e-4);
  });
});

describe('a clipped sum', () => {
  it('is never longer than patients times the bound', async () => {
    const job = jobOf(SMALL_CNN, 'binary-cross-entropy');
    opened = await PatientGradients.open(job, 6, plain);
    const { sum } = await opened.clipped(job.weights.values, { ...job, patients: PATIENTS }, 1e-3, random);
    expect(Math.hypot(...sum)).toBeLessThanOrEqual(4 * 1e-3 * (1 + 1e-5));
  });

  it('counts a patient once, however often a scan of theirs stands in the batch', async () => {
    const job = jobOf(MLP, 'binary-cross-entropy');
    opened = await PatientGradients.open(job, 6, plain);
    const one = { images: job.images.slice(0, 11), labels: job.labels.slice(0, 1), count: 1, patients: [0] };
    const images = new Float32Array(33);
    for (let i = 0; i < 3; i++) images.set(one.images, 11 * i);
    const labels = Uint8Array.from({ length: 3 }, () => one.labels[0]!);
    const [once, thrice] = [
      await opened.clipped(job.weights.values, one, 0.1, random),
      await opened.clipped(job.weights.values, { images, labels, count: 3, patients: [0, 0, 0] }, 0.1, random),
    ];
    expect(relativeError(thrice.sum, once.sum)).toBeLessThan(1e-5);
  });

  it('of nobody is 0', async () => {
    const job = jobOf(MLP, 'binary-cross-entropy');
    opened = await PatientGradients.open(job, 6, plain);
    const nobody = { images: new Float32Array(), labels: new Uint8Array(), count: 0, patients: [] };
    const { norms, sum } = await opened.clipped(job.weights.values, nobody, 1, random);
    expect(norms).toHaveLength(0);
    expect(sum.every((value) => value === 0)).toBe(true);
  });
});

it('dropout drops for each sample apart', async () => {
  const graph = graphSchema.parse({
    layers: [...MLP.layers.slice(0, 2), { type: 'dropout', name: 'drop', rate: 0.5 }, ...MLP.layers.slice(2)],
  });
  const job = jobOf(graph, 'binary-cross-entropy');
  opened = await PatientGradients.open(job, 6, plain);
  const ask = async (seed: number) =>
    (await opened!.clipped(job.weights.values, { ...job, patients: PATIENTS }, 1, seededRandom('masks', seed))).sum;
  expect(await ask(1)).toEqual(await ask(1));
  expect(await ask(2)).not.toEqual(await ask(1));
});

describe('what mixes patients is refused by name:', () => {
  it('batch norm', async () => {
    const job = jobOf(RESIDUAL, 'binary-cross-entropy');
    await expect(PatientGradients.open(job, 6, plain)).rejects.toMatchObject({
      code: 'ENGINE_UNSUPPORTED',
      facts: { layer: 'stem_norm', type: 'batch-norm' },
    });
  });

  it('a loss of the whole batch', async () => {
    const job = jobOf(MLP, 'cox-partial-likelihood');
    await expect(PatientGradients.open(job, 6, plain)).rejects.toMatchObject({
      code: 'ENGINE_UNSUPPORTED',
    });
  });
});
