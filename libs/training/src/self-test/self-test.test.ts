import { graphSchema, LAYER_TYPES } from '@consilium/model';
import type { Fault } from '@consilium/stdx';
import { memory } from '../tensorflow/tfjs.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from '../tensorflow/backend.js';
import { gradient } from '../tensorflow/fit.js';
import type { Differentiate } from './gradient-error.js';
import { gradientError } from './gradient-error.js';
import { OPERATIONS, operationsOf } from './operations.js';
import { selfTest, TOLERANCE } from './self-test.js';

async function failureOf(...args: Parameters<typeof selfTest>): Promise<Fault> {
  try {
    await selfTest(...args);
  } catch (error) {
    return error as Fault;
  }
  throw new Error('the self-test passed');
}

describe.each(['cpu', 'wasm'] as const)('the self-test on the repaired %s backend', (backend) => {
  beforeAll(() => activateBackend(backend));

  it.each(OPERATIONS)('passes $name, far inside its tolerance', async (operation) => {
    expect(await gradientError(operation, gradient)).toBeLessThan(TOLERANCE / 10);
  });

  it('leaves no tensor behind', async () => {
    await selfTest(gradient, OPERATIONS.slice(0, 3));
    const before = memory().numTensors;
    await selfTest(gradient, OPERATIONS);
    expect(memory().numTensors).toBe(before);
  });
});

describe('what is tested', () => {
  it('covers every layer that computes', () => {
    const covered = new Set(OPERATIONS.flatMap(({ covers }) => covers));
    // Inputs compute nothing, and dropout is off where gradients are compared.
    expect(LAYER_TYPES.filter((type) => !covered.has(type))).toEqual(['input', 'dropout']);
  });

  it('has a name of its own each time', () => {
    expect(new Set(OPERATIONS.map(({ name }) => name)).size).toBe(OPERATIONS.length);
  });

  it('is what a graph uses, where a graph is given', () => {
    const graph = graphSchema.parse({
      layers: [
        { type: 'input', name: 'x', shape: [4] },
        { type: 'layer-norm', name: 'norm' },
        { type: 'dense', name: 'out', units: 1 },
      ],
    });
    expect(operationsOf(graph).map(({ name }) => name)).toEqual(['dense', 'dense-last-axis', 'layer-norm']);
  });

  it('leaves out what the engine refuses by itself', async () => {
    const never: Differentiate = () => Promise.reject(new Error('asked for what it refuses'));
    expect(await selfTest(never, OPERATIONS, () => 'everything')).toEqual({ maxError: 0 });
  });
});

describe('the self-test fails', () => {
  beforeAll(() => activateBackend('wasm'));

  /** The engine with its gradients changed. */
  const planted =
    (change: (gradient: Float32Array) => void): Differentiate =>
    async (job) => {
      const result = await gradient(job);
      change(result.gradient);
      return result;
    };

  it.each(OPERATIONS)('for $name where half of a gradient is missing', async (operation) => {
    const half = planted((values) => values.fill(0, 0, Math.ceil(values.length / 2)));
    const fault = await failureOf(half, [operation]);
    expect(fault.code).toBe('ENGINE_SELF_TEST_FAILED');
    expect(fault.facts).toMatchObject({ operation: operation.name, tolerance: TOLERANCE });
    expect(fault.facts['error']).toBeGreaterThan(0.1);
  });

  it.each([
    ['scaled by 2 %', (values: Float32Array) => values.forEach((value, i) => (values[i] = value * 1.02))],
    ['turned round', (values: Float32Array) => values.forEach((value, i) => (values[i] = -value))],
    ['put in another order', (values: Float32Array) => void values.reverse()],
  ])('for every operation where gradients are %s', async (_, change) => {
    for (const operation of OPERATIONS) {
      expect((await failureOf(planted(change), [operation])).facts['operation']).toBe(operation.name);
    }
  });

  it.each([NaN, Infinity])('for a gradient that is %d', async (value) => {
    const fault = await failureOf(planted((values) => (values[0] = value)));
    expect(fault.facts['error']).toBe(Infinity);
  });

  it('for a loss that is not a number', async () => {
    const lost: Differentiate = async (job) => ({ ...(await gradient(job)), loss: NaN });
    expect((await failureOf(lost)).facts['error']).toBe(Infinity);
  });

  it('naming the operation that the engine could not compute at all', async () => {
    const broken: Differentiate = () => Promise.reject(new Error('no kernel'));
    expect((await failureOf(broken, [OPERATIONS[4]!])).facts).toEqual({
      operation: OPERATIONS[4]!.name,
      kernelMissing: true,
    });
  });
});
