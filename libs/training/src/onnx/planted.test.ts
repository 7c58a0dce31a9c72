import type { Graph } from '@consilium/model';
import { describe, expect, it } from 'vitest';
import { graphSchema } from '@consilium/model';
import { openOnnx } from './open.js';
import { blocked, plain, wrongMachine } from './machines.fixture.js';

const graphOf = (...layers: Record<string, unknown>[]): Graph =>
  graphSchema.parse({ layers: [{ type: 'input', name: 'x', shape: [6, 6, 16] }, ...layers] });

describe('the self-test at opening', () => {
  it.each([
    ['plain', plain],
    ['blocked', blocked],
  ])('passes in the %s layout', async (_, { target }) => {
    const engine = await openOnnx(undefined, { target });
    expect(engine.selfTest.maxError).toBeGreaterThan(0);
    expect(engine.selfTest.maxError).toBeLessThan(2e-3);
    engine.close();
  });

  // Each operator stands in the backward pass alone, or there too: forward and backward then no longer fit together.
  it.each([
    [
      'the gradient by a convolution’s input',
      'ConvTranspose',
      graphOf({ type: 'conv2d', name: 'c', filters: 3, kernel: [3, 3] }),
    ],
    ['the gradient by a kernel', 'MatMul', graphOf({ type: 'conv2d', name: 'c', filters: 3, kernel: [3, 3] })],
    [
      'the gradient by a dense kernel',
      'Gemm',
      graphOf({ type: 'flatten', name: 'f' }, { type: 'dense', name: 'd', units: 1 }),
    ],
    ['where a maximum came from', 'ScatterElements', graphOf({ type: 'max-pool2d', name: 'p', size: [2, 2] })],
    ['where ReLU let through', 'HardSigmoid', graphOf({ type: 'activation', name: 'a', function: 'relu' })],
    [
      'a scatter into a table',
      'ScatterND',
      graphSchema.parse({
        layers: [
          { type: 'input', name: 'codes', shape: [3] },
          { type: 'embedding', name: 'e', vocabulary: 5, units: 2 },
        ],
      }),
    ],
  ])('finds a sign that was planted into %s', async (_, operator, graph) => {
    const { target } = wrongMachine(plain, operator);
    await expect(openOnnx(graph, { target })).rejects.toMatchObject({
      code: 'ENGINE_SELF_TEST_FAILED',
      facts: { error: expect.any(Number) },
    });
  });

  it('finds one that was planted into the blocked layout alone', async () => {
    const { target } = wrongMachine(blocked, 'Where');
    if (target.block === undefined) return;
    await expect(openOnnx(graphOf({ type: 'flatten', name: 'f' }), { target })).rejects.toMatchObject({
      facts: { operation: 'blocked-max-pool' },
    });
  });
});
