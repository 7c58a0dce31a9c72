import { initialise, inputRow } from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import { expect, describe, it } from 'vitest';
import type { GradientJob, GradientResult } from '../job.js';
import { activateBackend } from './backend.js';
import { gradient } from './fit.js';
import { EVERY_2D_LAYER, EVERY_3D_LAYER, EVERY_OTHER_LAYER } from './graphs.fixture.js';

/** A batch whose last columns are small whole numbers, which embeddings can look up and others do not mind. */
function jobOn(graph: GradientJob['graph']): GradientJob {
  const count = 4;
  const { size } = inputRow(graph);
  const random = seededRandom('agreement');
  const images = Float32Array.from({ length: count * size }, (_, i) =>
    i % size >= size - 3 ? random.integer(5) : random.normal(),
  );
  const labels = Uint8Array.of(0, 1, 1, 0);
  return { graph, weights: initialise(graph, 11), images, labels, count, classWeights: 'none' };
}

const norm = (values: Float32Array): number => Math.hypot(...values);

describe('wasm and cpu agree over one batch', () => {
  it.each([
    ['of images', EVERY_2D_LAYER],
    ['of volumes', EVERY_3D_LAYER],
    ['of two inputs through all other layers', EVERY_OTHER_LAYER],
  ])('%s: to 1e-5 in the loss and 1e-3 in each tensor’s gradient', async (_, graph) => {
    const job = jobOn(graph);
    const results: GradientResult[] = [];
    for (const backend of ['cpu', 'wasm'] as const) {
      await activateBackend(backend);
      results.push(await gradient(job));
    }
    const [cpu, wasm] = results as [GradientResult, GradientResult];
    expect(Math.abs(wasm.loss - cpu.loss)).toBeLessThan(1e-5 * cpu.loss);
    const whole = norm(cpu.gradient);
    for (const { name, offset, size } of job.weights.manifest.tensors) {
      const [a, b] = [cpu.gradient, wasm.gradient].map((all) => all.subarray(offset, offset + size)) as [
        Float32Array,
        Float32Array,
      ];
      const apart = norm(a.map((value, i) => value - b[i]!));
      // A gradient that is zero but for rounding, as of a bias before a norm, is compared with the whole.
      expect(apart, name).toBeLessThan(1e-3 * Math.max(norm(a), 1e-3 * whole));
    }
  });
});
