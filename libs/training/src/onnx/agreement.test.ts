import { graphSchema, type Graph } from '@consilium/model';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine, type Engine } from '../engine.js';
import type { LossName } from '../fitting/loss/loss.js';
import type { FitJob, GradientJob } from '../job.js';
import { gradientError } from '../self-test/gradient-error.js';
import { OPERATIONS } from '../self-test/operations.js';
import { TOLERANCE } from '../self-test/self-test.js';
import { EVERY_2D_LAYER, EVERY_3D_LAYER, jobOn } from '../tensorflow/graphs.fixture.js';
import { fit } from './fit.js';
import type { Machine } from './machine.js';
import { gradient, Gradients } from './gradient.js';
import { FUSION, gradientJob, MLP, RESIDUAL, SMALL_CNN, U_NET } from './graphs.fixture.js';
import { MACHINES, relativeError } from './machines.fixture.js';

/** TensorFlow.js in plain JavaScript, the numerical reference, and in WebAssembly where a graph is large. */
let cpu: Engine;
let wasm: Engine;
beforeAll(async () => {
  cpu = await openEngine('cpu', MLP);
  wasm = await openEngine('wasm', MLP);
});
afterAll(() => [cpu, wasm].forEach((engine) => engine.close()));

async function expectAgreement(reference: Engine, job: GradientJob, machine: Machine): Promise<void> {
  const [ours, theirs] = [await gradient(job, machine), await reference.gradient(job)];
  expect(Math.abs(ours.loss - theirs.loss)).toBeLessThan(1e-5 * Math.max(1, theirs.loss));
  expect(relativeError(ours.gradient, theirs.gradient)).toBeLessThan(1e-3);
}

describe.each(MACHINES)('in the %s layout', (_, machine) => {
  it.each(OPERATIONS.map((operation) => [operation.name, operation] as const))(
    '%s has the loss and gradient of the reference',
    async (__, { graph, rows, samples }) => {
      const job = { ...gradientJob(graph, 'mean-squared-error', { count: samples }), images: rows };
      await expectAgreement(cpu, job, machine);
    },
  );

  it('every operation has the gradient that finite differences show', async () => {
    const gradients = new Gradients(machine);
    for (const operation of OPERATIONS) {
      expect(await gradientError(operation, (job) => gradients.at(job))).toBeLessThan(TOLERANCE);
    }
    await gradients.close();
  });

  it.each<[string, Graph, LossName]>([
    ['a small CNN', SMALL_CNN, 'binary-cross-entropy'],
    ['a residual network with batch norm', RESIDUAL, 'binary-cross-entropy'],
    ['a late fusion of image and table', FUSION, 'focal'],
    ['a U-Net', U_NET, 'dice'],
    ['every layer for images', EVERY_2D_LAYER, 'binary-cross-entropy'],
    ['every layer for volumes', EVERY_3D_LAYER, 'cox-partial-likelihood'],
  ])('%s has the loss and gradient of the reference', async (__, graph, loss) => {
    await expectAgreement(wasm, gradientJob(graph, loss), machine);
  });

  it.each<[string, Graph]>([
    ['an MLP', MLP],
    ['a small CNN', SMALL_CNN],
  ])('twenty free steps of %s end where the reference ends', async (__, graph) => {
    const job: FitJob = jobOn(graph, { steps: 20, count: 16, learningRate: 0.02 });
    const [ours, theirs] = [await fit(job, {}, machine), await wasm.fit(job)];
    expect(ours.loss).toBeCloseTo(theirs.loss, 5);
    expect(relativeError(ours.weights.values, theirs.weights.values)).toBeLessThan(1e-4);
    expect(relativeError(ours.weights.values, job.weights.values)).toBeGreaterThan(1e-2);
  });

  it('any convolution has the gradient of the reference', async () => {
    const lengths = fc.integer({ min: 4, max: 9 });
    const convolution = fc.record({
      shape: fc.tuple(lengths, lengths, fc.constantFrom(1, 3, 16, 32)),
      filters: fc.constantFrom(5, 16, 32),
      kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
      stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      padding: fc.constantFrom('same', 'valid'),
      bias: fc.boolean(),
    });
    const check = async ({ shape, ...conv }: { shape: number[] }): Promise<void> => {
      // A convolution of one pixel before it, so that there is a gradient by its input.
      const graph = graphSchema.parse({
        layers: [
          { type: 'input', name: 'image', shape },
          { type: 'conv2d', name: 'before', filters: shape[2], kernel: [1, 1] },
          { type: 'conv2d', name: 'tested', ...conv },
        ],
      });
      await expectAgreement(cpu, gradientJob(graph, 'mean-squared-error', { count: 2 }), machine);
    };
    await fc.assert(fc.asyncProperty(convolution, check), { numRuns: 25 });
  });
});
