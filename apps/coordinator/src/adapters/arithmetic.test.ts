import { systemClock } from '@consilium/machine';
import { initialise, manifestOf } from '@consilium/model';
import { ManualClock, type SiteName } from '@consilium/stdx';
import { decodeSafetensors, encodeSafetensors, weightsOf } from '@consilium/weights';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alpha, beta, gamma, planOf } from '../fixtures/plan.fixture.js';
import { built } from '../fixtures/program.fixture.js';
import { updateBytes } from '../fixtures/updates.fixture.js';
import type { AggregationWork, Arithmetic } from '../ports.js';
import { InlineArithmetic } from './memory/arithmetic.js';
import { WorkerArithmetic } from './worker/arithmetic.js';

const { plan } = planOf();
const manifest = manifestOf(plan.model);
const terms = { manifest, normBound: 100 };
const constant = (value: number): Uint8Array =>
  encodeSafetensors(weightsOf(manifest, new Float32Array(manifest.size).fill(value)));
const contribution = (site: SiteName, examples: number, bytes: Uint8Array) => ({ site, examples, bytes });
const work = (...contributions: AggregationWork['contributions']): AggregationWork => ({
  base: constant(1),
  contributions,
  weighting: 'examples',
  terms,
});

function arithmeticContract(open: () => Arithmetic): void {
  let arithmetic: Arithmetic;
  beforeAll(() => {
    arithmetic = open();
  });
  afterAll(() => arithmetic.close());

  it('initialises a model from its graph and seed alone', async () => {
    const bytes = await arithmetic.initialise(plan.model, 7);
    expect(Buffer.from(bytes)).toEqual(Buffer.from(encodeSafetensors(initialise(plan.model, 7))));
  });

  it('aggregates base + Σ examples·update / Σ examples', async () => {
    const model = await arithmetic.aggregate(
      work(contribution(alpha, 100, constant(1)), contribution(beta, 300, constant(5))),
    );
    // By hand: 1 + (100·1 + 300·5) / 400 = 5.
    expect([...new Set(decodeSafetensors(model).values)]).toEqual([5]);
  });

  it('gives the same bytes for any order of the contributions', async () => {
    const all = [alpha, beta, gamma].map((site, i) => [site, 10 + i] as const);
    const models = await Promise.all(
      [all, [...all].reverse(), [all[1]!, all[0]!, all[2]!]].map((order) =>
        arithmetic.aggregate(
          work(...order.map(([site, examples]) => contribution(site, examples, updateBytes(manifest, site)))),
        ),
      ),
    );
    for (const model of models) expect(Buffer.from(model)).toEqual(Buffer.from(models[0]!));
  });

  it('admits an update, and refuses one with its code and facts', async () => {
    await arithmetic.admit(constant(0.5), terms);
    await expect(arithmetic.admit(constant(NaN), terms)).rejects.toMatchObject({
      code: 'UPDATE_NOT_FINITE',
      facts: { index: 0 },
    });
    await expect(arithmetic.admit(new Uint8Array(3), terms)).rejects.toMatchObject({ code: 'SAFETENSORS_MALFORMED' });
    await expect(arithmetic.aggregate(work(contribution(alpha, 1, constant(1e3))))).rejects.toMatchObject({
      code: 'UPDATE_NORM_EXCEEDED',
    });
  });

  it('leaves a buffer alone of which only a part was given to it', async () => {
    const larger = new Uint8Array(constant(0.5).byteLength + 8);
    larger.set(constant(0.5), 8);
    await arithmetic.admit(larger.subarray(8), terms);
    expect(larger.byteLength).toBeGreaterThan(8);
  });
}

describe('arithmetic on the spot', () => arithmeticContract(() => new InlineArithmetic()));

describe('arithmetic in a thread', () => {
  const thread = built('adapters/worker/thread.js');
  arithmeticContract(() => new WorkerArithmetic(systemClock, thread));

  it('answers many requests at once, each its own', async () => {
    const arithmetic = new WorkerArithmetic(systemClock, thread);
    const seeds = Array.from({ length: 20 }, (_, i) => i);
    const models = await Promise.all(seeds.map((seed) => arithmetic.initialise(plan.model, seed)));
    expect(new Set(models.map((bytes) => Buffer.from(bytes).toString('hex'))).size).toBe(20);
    await arithmetic.close();
  });

  it('fails what waits when the thread dies, and is replaced by the next request', async () => {
    const dying = new URL(
      'data:text/javascript,import { parentPort } from "node:worker_threads"; parentPort.on("message", () => process.exit(3))',
    );
    const arithmetic = new WorkerArithmetic(systemClock, dying);
    for (let i = 0; i < 2; i++)
      await expect(arithmetic.initialise(plan.model, 1)).rejects.toMatchObject({ code: 'INTERNAL' });
    await arithmetic.close();
  });

  it('gives up a thread that hangs', async () => {
    const clock = new ManualClock();
    const hanging = new URL(
      'data:text/javascript,import { parentPort } from "node:worker_threads"; parentPort.on("message", () => {})',
    );
    const arithmetic = new WorkerArithmetic(clock, hanging);
    const asked = expect(arithmetic.initialise(plan.model, 1)).rejects.toMatchObject({ code: 'TIMEOUT' });
    clock.advance(10 * 60_000);
    await asked;
    await arithmetic.close();
  });

  it('fails what waits with CANCELLED when it is closed', async () => {
    const arithmetic = new WorkerArithmetic(systemClock, thread);
    const asked = expect(arithmetic.initialise(plan.model, 1)).rejects.toMatchObject({ code: 'CANCELLED' });
    await arithmetic.close();
    await asked;
  });
});

it('any weighting keeps the mean between the least and the greatest update', () => {
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.float({ min: -1, max: 1, noNaN: true }), fc.integer({ min: 1, max: 1000 })), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.constantFrom('examples' as const, 'equal' as const),
      async (updates, weighting) => {
        const contributions = updates.map(([value, examples], i) =>
          contribution(`site-${i}` as SiteName, examples, constant(value)),
        );
        const model = await new InlineArithmetic().aggregate({
          ...work(...contributions),
          base: constant(0),
          weighting,
        });
        const [mean] = decodeSafetensors(model).values;
        const values = updates.map(([value]) => value);
        expect(mean).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6);
        expect(mean).toBeLessThanOrEqual(Math.max(...values) + 1e-6);
      },
    ),
    { numRuns: 20 },
  );
});
