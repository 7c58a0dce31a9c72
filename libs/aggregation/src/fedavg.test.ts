import { Fault, InvariantError, siteName } from '@consilium/stdx';
import { encodeSafetensors, weightsOf, zeros, type Weights } from '@consilium/weights';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactOf, stepsFrom } from './exact.fixture.js';
import { fedavg, type Contribution } from './fedavg.js';
import { contribution, flat, manifest, rounds, update } from './updates.fixture.js';

const base = update(10, 20, 30, 40, 50, 60);

/** Every order of a few things. */
const ordersOf = <T>(items: readonly T[]): T[][] =>
  items.length < 2
    ? [[...items]]
    : items.flatMap((first, i) => ordersOf(items.filter((_, j) => j !== i)).map((rest) => [first, ...rest]));

describe('federated averaging', () => {
  it('adds the mean of the updates, weighted by examples', () => {
    const model = fedavg(
      base,
      [contribution('a', 1, update(4, 0, 0, 0, 0, 8)), contribution('b', 3, update(0, 4, 0, 0, -4, 8))],
      'examples',
    );
    expect([...model.values]).toEqual([11, 23, 30, 40, 47, 68]);
    expect(model.manifest).toEqual(manifest);
  });

  it('counts each site the same when the plan says equal', () => {
    const model = fedavg(
      base,
      [contribution('a', 1, update(4, 0, 0, 0, 0, 8)), contribution('b', 3, update(0, 4, 0, 0, -4, 8))],
      'equal',
    );
    expect([...model.values]).toEqual([12, 22, 30, 40, 48, 68]);
  });

  it('takes the whole update of a site that is alone', () => {
    expect([...fedavg(base, [contribution('a', 7, update(1, 2, 3, 4, 5, 6))], 'examples').values]).toEqual([
      11, 22, 33, 44, 55, 66,
    ]);
  });

  it('changes neither the base nor an update', () => {
    const [before, sent] = [base.values.slice(), update(1, 2, 3, 4, 5, 6)];
    fedavg(base, [contribution('a', 1, sent), contribution('b', 2, sent)], 'examples');
    expect(base.values).toEqual(before);
    expect([...sent.values]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('keeps the base, bit for bit, when nobody learnt anything', () => {
    fc.assert(
      fc.property(rounds, ({ base: model, contributions }) => {
        const still = contributions.map(({ site, examples }) => contribution(site, examples, zeros(model.manifest)));
        // Object.is tells −0 from 0, and −0 + 0 is 0: the one bit that an addition may change.
        expect(fedavg(model, still, 'examples').values).toEqual(model.values.map((value) => value + 0));
      }),
    );
  });
});

describe('the mean is right to the last bit', () => {
  it('lies within a step of float32 from the exact one, computed in whole numbers', () => {
    fc.assert(
      fc.property(
        rounds,
        fc.constantFrom('examples' as const, 'equal' as const),
        ({ base: model, contributions }, weighting) => {
          const counts = contributions.map(({ examples }) => BigInt(weighting === 'equal' ? 1 : examples));
          const total = counts.reduce((sum, count) => sum + count, 0n);
          const averaged = fedavg(model, contributions, weighting);
          averaged.values.forEach((value, i) => {
            const exact = contributions.reduce(
              (sum, { update: sent }, k) => sum + counts[k]! * exactOf(sent.values[i]!),
              total * exactOf(model.values[i]!),
            );
            // Half a step is the rounding to float32; the float64 sums may add a little where base and mean cancel.
            const cancelled = Math.abs(value) < 1e-3;
            if (!cancelled) expect(stepsFrom(value, exact, total)).toBeLessThanOrEqual(0.502);
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('holds over many blocks, also the last, broken one', () => {
    const size = 3 * 8192 + 5;
    const ramp = (factor: number): Weights =>
      weightsOf(
        flat(size),
        Float32Array.from({ length: size }, (_, i) => factor * (i % 1000)),
      );
    const model = fedavg(ramp(1), [contribution('a', 1, ramp(2)), contribution('b', 1, ramp(4))], 'examples');
    expect(model.values).toEqual(ramp(4).values);
  });

  it('takes the largest counts of a large federation', () => {
    const many = Array.from({ length: 1000 }, (_, i) =>
      contribution(`s${i}`, 2 ** 29 - 1, update(1, -1, 0.5, 0, 3, 2)),
    );
    expect([...fedavg(zeros(manifest), many, 'examples').values]).toEqual([1, -1, 0.5, 0, 3, 2]);
  });
});

describe('the order of arrival', () => {
  // Two that cancel and three that are lost or kept beside them, depending on who comes when.
  const parts: readonly [string, number, number][] = [
    ['e', 2, 1e30],
    ['d', 3, 1],
    ['b', 2, -1e30],
    ['a', 5, 3e-5],
    ['c', 7, 1e16],
  ];
  const contributions = parts.map(([site, examples, value]) =>
    contribution(site, examples, update(value, -value, value / 3, value / 7, value, 1)),
  );

  it('does not change a bit, in any of its permutations', () => {
    const expected = encodeSafetensors(fedavg(base, contributions, 'examples'));
    for (const order of ordersOf(contributions)) {
      expect(encodeSafetensors(fedavg(base, order, 'examples'))).toEqual(expected);
    }
  });

  it('would change bits if the sum followed it (the control)', () => {
    const asArrived = (order: readonly Contribution[]): number => {
      const sum = order.reduce((total, { examples, update: sent }) => total + examples * sent.values[0]!, 0);
      return Math.fround(base.values[0]! + sum / 19);
    };
    expect(new Set(ordersOf(contributions).map(asArrived)).size).toBeGreaterThan(1);
  });

  it('does not change a bit for any round', () => {
    const shuffled = rounds.chain(({ base: model, contributions: some }) =>
      fc.record({
        model: fc.constant(model),
        some: fc.constant(some),
        order: fc.shuffledSubarray(some, { minLength: some.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ model, some, order }) => {
        expect(fedavg(model, order, 'examples').values).toEqual(fedavg(model, some, 'examples').values);
      }),
    );
  });

  it('gives way to that of the names’ code units, which no locale changes', () => {
    const [t, u, z] = [
      contribution('t', 1, update(1e30, 0, 0, 0, 0, 0)),
      contribution('u', 1, update(-1e30, 0, 0, 0, 0, 0)),
      contribution('z', 1, update(3, 0, 0, 0, 0, 0)),
    ];
    expect(fedavg(zeros(manifest), [z, u, t], 'examples').values[0]).toBe(1);
    // The control: Estonians sort z before t, and the 3 would be lost beside 1e30.
    expect(['t', 'u', 'z'].sort(new Intl.Collator('et').compare)).toEqual(['z', 't', 'u']);
    expect(3 + 1e30 - 1e30).toBe(0);
  });
});

describe('what is refused', () => {
  const one = contribution('a', 1, zeros(manifest));

  it('is a round without contributions, as our bug', () => {
    expect(() => fedavg(base, [], 'examples')).toThrow(InvariantError);
  });

  it('is a site that stands twice, as our bug', () => {
    expect(() => fedavg(base, [one, contribution('b', 2, zeros(manifest)), { ...one }], 'examples')).toThrow(
      'a site contributes once to a round',
    );
  });

  it('is an update of another manifest than the base’s, as our bug', () => {
    expect(() => fedavg(base, [contribution('a', 1, zeros(flat(6)))], 'examples')).toThrow(InvariantError);
  });

  it.each([0, -1, 0.5, Number.NaN, Infinity, 2 ** 29])('is a site that claims %d examples, by name', (examples) => {
    for (const weighting of ['examples', 'equal'] as const) {
      try {
        fedavg(base, [one, { ...one, site: siteName('liar'), examples }], weighting);
        expect.unreachable();
      } catch (error) {
        expect(Fault.is(error, 'REQUEST_INVALID')).toBe(true);
        expect((error as Fault).facts).toMatchObject({ field: 'examples', site: 'liar' });
      }
    }
  });
});
