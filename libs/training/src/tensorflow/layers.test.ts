import { graphSchema, initialise, trainableTensors, type Graph } from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import { tensorOf, type Weights } from '@consilium/weights';
import type { KernelConfig, Scalar, Tensor } from '@tensorflow/tfjs-core';
import { getKernel, mean, registerKernel, tensor, tidy, unregisterKernel, variableGrads } from './tfjs.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from './backend.js';
import { compile } from './compile.js';
import { Variables } from './variables.js';

const graph = (...layers: unknown[]): Graph => graphSchema.parse({ layers });

/** What a graph makes of one batch. */
function output(given: Graph, weights: Weights, values: number[] | Float32Array, shape: number[]): number[] {
  const model = compile(given);
  new Variables(model, weights.manifest, trainableTensors(given)).write(weights.values);
  const result = tidy(() => [...(model.apply(tensor(values, shape)) as Tensor).dataSync()]);
  model.dispose();
  return result;
}

const normal = (length: number): Float32Array => {
  const random = seededRandom('test');
  return Float32Array.from({ length }, random.normal);
};

describe.each(['cpu', 'wasm'] as const)('layers on %s', (backend) => {
  beforeAll(() => activateBackend(backend));

  it('convolve without turning the filter, and add the bias', () => {
    const conv = graph(
      { type: 'input', name: 'x', shape: [3, 3, 1] },
      { type: 'conv2d', name: 'conv', filters: 1, kernel: [2, 2], padding: 'valid' },
    );
    const weights = initialise(conv, 1);
    tensorOf(weights, 'conv/kernel').set([1, 2, 3, 4]);
    tensorOf(weights, 'conv/bias').set([100]);
    // 1·1 + 2·2 + 3·4 + 4·5 and so on.
    expect(output(conv, weights, [1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1])).toEqual([137, 147, 167, 177]);
  });

  it('convolve without a bias', () => {
    const conv = graph(
      { type: 'input', name: 'x', shape: [2, 2, 1] },
      { type: 'conv2d', name: 'conv', filters: 1, kernel: [1, 1], stride: [2, 2], bias: false },
    );
    const weights = initialise(conv, 1);
    weights.values.set([3]);
    expect(output(conv, weights, [5, 6, 7, 8], [1, 2, 2, 1])).toEqual([15]);
  });

  it.each([
    ['images', [2, 2, 2]],
    ['volumes', [2, 1, 2, 2]],
  ])('take the mean of each channel over %s', (_, shape) => {
    const pooled = graph({ type: 'input', name: 'x', shape }, { type: 'global-average-pool', name: 'means' });
    expect(output(pooled, initialise(pooled, 1), [1, 10, 2, 20, 3, 30, 6, 60], [1, ...shape])).toEqual([3, 30]);
  });

  it('give the same with the ReLU before the pool as after it', () => {
    const layers = (...middle: unknown[]): Graph =>
      graph(
        { type: 'input', name: 'x', shape: [6, 6, 2] },
        { type: 'conv2d', name: 'conv', filters: 4, kernel: [3, 3] },
        ...middle,
      );
    const relu = { type: 'activation', name: 'relu', function: 'relu' };
    const pool = { type: 'max-pool2d', name: 'pool', size: [2, 2] };
    const [before, after] = [layers(relu, pool), layers(pool, relu)];
    const weights = initialise(before, 3);
    const values = normal(2 * 72);
    const outputs = output(before, weights, values, [2, 6, 6, 2]);
    expect(outputs).toEqual(output(after, weights, values, [2, 6, 6, 2]));
    expect(outputs.some((value) => value > 0)).toBe(true);
    expect(outputs.some((value) => value === 0)).toBe(true);
  });
});

describe('the gradient with respect to the images', () => {
  const BACKEND = 'wasm';
  const KERNEL = 'Conv2DBackpropInput';
  let upstream: KernelConfig;
  let calls = 0;

  beforeAll(async () => {
    await activateBackend(BACKEND);
    upstream = getKernel(KERNEL, BACKEND);
    unregisterKernel(KERNEL, BACKEND);
    const kernelFunc: KernelConfig['kernelFunc'] = (call) => {
      calls++;
      return upstream.kernelFunc(call);
    };
    registerKernel({ ...upstream, kernelFunc });
  });
  afterAll(() => {
    unregisterKernel(KERNEL, BACKEND);
    registerKernel(upstream);
  });

  it('is not computed, since nobody wants it: only that of the second convolution’s input is', () => {
    const two = graph(
      { type: 'input', name: 'x', shape: [4, 4, 1] },
      { type: 'conv2d', name: 'first', filters: 4, kernel: [3, 3] },
      { type: 'conv2d', name: 'second', filters: 4, kernel: [3, 3] },
    );
    const model = compile(two);
    const weights = initialise(two, 1);
    const variables = new Variables(model, weights.manifest, trainableTensors(two));
    variables.write(weights.values);
    const gradient = new Float32Array(weights.manifest.size);
    tidy(() => {
      const x = tensor(normal(16), [1, 4, 4, 1]);
      const loss = (): Scalar => mean(model.apply(x, { training: true }) as Tensor) as Scalar;
      variables.readGradients(variableGrads(loss, variables.trainable).grads, gradient);
    });
    model.dispose();
    expect(calls).toBe(1);
    expect(gradient.every((value) => value !== 0)).toBe(true);
  });
});
