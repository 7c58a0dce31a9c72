import { graphSchema, initialise } from '@consilium/model';
import { tensorOf } from '@consilium/weights';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from './backend.js';
import { GOLDEN, ramp, type Golden } from './golden.fixture.js';
import { predict } from './predict.js';

/** Attention's kernels differ by these factors, that exchanged ones show. */
const FACTORS: Readonly<Record<string, number>> = { query: 1, key: 0.5, value: -1, output: 2 };

async function computed({ layer, shape }: Golden): Promise<Float32Array> {
  const graph = graphSchema.parse({
    layers: [
      { type: 'input', name: 'x', shape },
      { ...layer, name: 'tested' },
    ],
  });
  const weights = initialise(graph, 1);
  for (const { name } of weights.manifest.tensors) {
    const values = tensorOf(weights, name);
    const kernel = /kernel|gamma/.test(name);
    const factor = FACTORS[/tested\/(\w+)_kernel/.exec(name)?.[1] ?? ''] ?? 1;
    values.set(ramp(values.length, kernel ? 5 : 3, kernel ? 13 : 7).map((value) => value * factor));
  }
  const size = shape.reduce((product, length) => product * length, 1);
  return predict(graph, weights, ramp(size, 7, 11), 1, 'none');
}

describe.each(['cpu', 'wasm'] as const)('on %s, as PyTorch computes it:', (backend) => {
  beforeAll(() => activateBackend(backend));

  it.each(GOLDEN)('$name', async (golden) => {
    const came = await computed(golden);
    expect(came).toHaveLength(golden.output.length);
    golden.output.forEach((value, i) => expect(Math.abs(came[i]! - value)).toBeLessThan(1e-5));
  });
});
