import { siteName } from '@consilium/stdx';
import { layoutManifest, weightsOf, type Manifest, type Weights } from '@consilium/weights';
import fc from 'fast-check';
import { admit } from './admit.js';
import type { Contribution } from './fedavg.js';

export const manifest = layoutManifest([
  { name: 'dense/kernel', shape: [2, 2] },
  { name: 'dense/bias', shape: [2] },
]);

export const update = (...values: number[]): Weights => weightsOf(manifest, Float32Array.from(values));

/** One site's admitted contribution, under a bound that lets everything finite pass. */
export const contribution = (site: string, examples: number, values: Weights): Contribution => ({
  site: siteName(site),
  examples,
  update: admit(values, { manifest: values.manifest, normBound: 1e39 }),
});

export const flat = (size: number): Manifest => layoutManifest([{ name: 'all', shape: [size] }]);

/** A base and the contributions of 1 to 8 sites over one manifest, values within ±100. */
export const rounds: fc.Arbitrary<{ base: Weights; contributions: Contribution[] }> = fc
  .record({
    size: fc.integer({ min: 0, max: 20 }),
    sites: fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,5}$/), { minLength: 1, maxLength: 8 }),
  })
  .chain(({ size, sites }) => {
    const values = fc
      .float32Array({ minLength: size, maxLength: size, noNaN: true, min: -100, max: 100 })
      .map((array) => weightsOf(flat(size), array));
    const each = sites.map((site) =>
      fc
        .tuple(fc.integer({ min: 1, max: 100_000 }), values)
        .map(([examples, weights]) => contribution(site, examples, weights)),
    );
    return fc.record({ base: values, contributions: fc.tuple(...each) });
  });
