import { Fault, InvariantError } from '@consilium/stdx';
import { layoutManifest, scale, weightsOf, zeros, type TensorShape } from '@consilium/weights';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admit, type AdmittedUpdate } from './admit.js';
import { fedavg } from './fedavg.js';
import { contribution, manifest, update } from './updates.fixture.js';

const terms = { manifest, normBound: 10 };

const refusal = (attempt: () => unknown): Fault => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('it was admitted');
};

const [kernel, bias] = manifest.tensors as unknown as [TensorShape, TensorShape];

describe('an update is admitted', () => {
  it('as it came, without a copy', () => {
    const sent = update(1, 2, 3, 4, 5, 6);
    expect(admit(sent, terms)).toBe(sent);
  });

  it('at exactly the norm bound', () => {
    expect(() => admit(update(6, 0, 0, 8, 0, 0), terms)).not.toThrow();
  });

  it('when it is all zero, and when the model has no parameters', () => {
    expect(() => admit(zeros(manifest), terms)).not.toThrow();
    expect(() => admit(zeros(layoutManifest([])), { ...terms, manifest: layoutManifest([]) })).not.toThrow();
  });

  it('by what its manifest says, not by which object says it', () => {
    const equal = layoutManifest([kernel, bias]);
    expect(() => admit(weightsOf(equal, new Float32Array(6)), terms)).not.toThrow();
  });
});

describe('an update is refused for its manifest', () => {
  it.each([
    ['with a tensor too many', [kernel, bias, { name: 'extra', shape: [1] }], undefined],
    ['with a tensor too few', [kernel], 'dense/bias'],
    ['in another order', [bias, kernel], 'dense/kernel'],
    ['of another shape with as many values', [{ ...kernel, shape: [4] }, bias], 'dense/kernel'],
    ['under another name', [kernel, { ...bias, name: 'Doe^John' }], 'dense/bias'],
  ])('%s', (_, tensors, firstMissing) => {
    const other = layoutManifest(tensors);
    const fault = refusal(() => admit(zeros(other), terms));
    expect(fault.code).toBe('WEIGHTS_MISMATCH');
    expect(fault.facts).toEqual({
      expectedTensors: 2,
      cameTensors: other.tensors.length,
      expectedValues: 6,
      cameValues: other.size,
      ...(firstMissing ? { firstMissing } : {}),
    });
    // Only our own names are told.
    expect(fault.message).not.toContain('Doe');
  });
});

describe('an update is refused for its values', () => {
  it.each([Number.NaN, Infinity, -Infinity])('when one is %s, and the tensor and place are told', (value) => {
    const fault = refusal(() => admit(update(0, 0, 0, 0, 0, value), terms));
    expect(fault.code).toBe('UPDATE_NOT_FINITE');
    expect(fault.facts).toEqual({ tensor: 'dense/bias', index: 1 });
  });

  it('when it is longer than the bound, and both numbers are told', () => {
    const fault = refusal(() => admit(update(0, 0, 16, 0, 12, 0), terms));
    expect(fault.code).toBe('UPDATE_NORM_EXCEEDED');
    expect(fault.facts).toEqual({ norm: 20, normBound: 10 });
  });

  it('exactly when it is longer, whatever its direction', () => {
    fc.assert(
      fc.property(fc.float({ min: 0, max: 3, noNaN: true }), fc.integer({ min: 1, max: 63 }), (factor, signs) => {
        const direction = update(...[1, 2, 4, 8, 16, 32].map((bit, i) => (signs & bit ? 1 : -1) * (i + 1)));
        const sent = scale(direction, factor);
        const norm = Math.hypot(...sent.values);
        fc.pre(Math.abs(norm - 10) > 1e-6);
        if (norm > 10) expect(refusal(() => admit(sent, terms)).code).toBe('UPDATE_NORM_EXCEEDED');
        else expect(admit(sent, terms)).toBe(sent);
      }),
    );
  });

  it('when its norm would overflow float32', () => {
    const fault = refusal(() => admit(update(3e38, 3e38, 3e38, 3e38, 3e38, 3e38), terms));
    expect(fault.code).toBe('UPDATE_NORM_EXCEEDED');
    expect(Number.isFinite(fault.facts.norm)).toBe(true);
  });
});

describe('the order of refusals', () => {
  const other = layoutManifest([{ name: 'other', shape: [1] }]);

  it('is manifest, finite, norm', () => {
    const allThree = weightsOf(other, Float32Array.of(Number.NaN));
    expect(refusal(() => admit(allThree, terms)).code).toBe('WEIGHTS_MISMATCH');
    expect(refusal(() => admit(update(1e9, 0, 0, Number.NaN, 0, 0), terms)).code).toBe('UPDATE_NOT_FINITE');
    expect(refusal(() => admit(update(1e9, 0, 0, 0, 0, 0), terms)).code).toBe('UPDATE_NORM_EXCEEDED');
  });
});

describe('the terms', () => {
  it.each([0, -1, Number.NaN, Infinity])('have no bound of %s: that is our bug', (normBound) => {
    expect(() => admit(zeros(manifest), { manifest, normBound })).toThrow(InvariantError);
  });
});

describe('without admission (the control)', () => {
  it('one NaN would be in the model, and is stopped only as a bug', () => {
    const smuggled = {
      ...contribution('a', 1, zeros(manifest)),
      update: update(Number.NaN, 0, 0, 0, 0, 0) as AdmittedUpdate,
    };
    expect(() => fedavg(zeros(manifest), [smuggled], 'examples')).toThrow(InvariantError);
  });

  it('one site could move the model anywhere', () => {
    const honest = contribution('a', 100, update(1, 0, 0, 0, 0, 0));
    const hostile = {
      ...contribution('b', 100, zeros(manifest)),
      update: update(-1e9, 0, 0, 0, 0, 0) as AdmittedUpdate,
    };
    expect(fedavg(zeros(manifest), [honest, hostile], 'examples').values[0]).toBeLessThan(-1e8);
    expect(refusal(() => admit(hostile.update, terms)).code).toBe('UPDATE_NORM_EXCEEDED');
  });
});
