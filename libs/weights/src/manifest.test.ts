import { InvariantError } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tensorLists } from './file.fixture.js';
import { layoutManifest, manifestDigest, sameManifest, sizeOfShape } from './manifest.js';

const conv = { name: 'conv/kernel', shape: [3, 3, 1, 16] };
const bias = { name: 'conv/bias', shape: [16] };

describe('a manifest', () => {
  it('lays tensors out in the given order, back to back', () => {
    expect(layoutManifest([conv, bias])).toEqual({
      tensors: [
        { ...conv, offset: 0, size: 144 },
        { ...bias, offset: 144, size: 16 },
      ],
      size: 160,
    });
  });

  it('covers its buffer exactly, whatever the shapes', () => {
    fc.assert(
      fc.property(tensorLists, (tensors) => {
        const manifest = layoutManifest(tensors);
        let next = 0;
        for (const { offset, size } of manifest.tensors) {
          expect(offset).toBe(next);
          next += size;
        }
        expect(manifest.size).toBe(next);
      }),
    );
  });

  it('may be empty, hold scalars and hold tensors without values', () => {
    expect(layoutManifest([]).size).toBe(0);
    expect(layoutManifest([{ name: 'scalar', shape: [] }]).size).toBe(1);
    expect(layoutManifest([{ name: 'none', shape: [0, 3] }]).size).toBe(0);
  });

  it('does not change when the given shapes do', () => {
    const shape = [2];
    const manifest = layoutManifest([{ name: 'a', shape }]);
    shape[0] = 3;
    expect(manifest.tensors[0]!.shape).toEqual([2]);
  });

  it.each([
    ['a name that stands twice', [bias, bias]],
    ['an empty name', [{ name: '', shape: [1] }]],
    ['the name that the format reserves', [{ name: '__metadata__', shape: [1] }]],
    ['a name that UTF-8 cannot carry', [{ name: 'a\ud800', shape: [1] }]],
    ['a negative dimension', [{ name: 'a', shape: [-1] }]],
    ['a fraction of a dimension', [{ name: 'a', shape: [1.5] }]],
    ['more values than JavaScript counts', [{ name: 'a', shape: [2 ** 27, 2 ** 27] }]],
  ])('refuses %s as our bug', (_, tensors) => {
    expect(() => layoutManifest(tensors)).toThrow(InvariantError);
  });

  it('takes names that objects stumble over', () => {
    const names = ['__proto__', 'constructor', '0'];
    expect(layoutManifest(names.map((name) => ({ name, shape: [1] }))).tensors.map(({ name }) => name)).toEqual(names);
  });
});

describe('the size of a shape', () => {
  it('is the product of its dimensions', () => {
    expect(sizeOfShape([28, 28, 1])).toBe(784);
    expect(sizeOfShape([])).toBe(1);
    expect(sizeOfShape([5, 0])).toBe(0);
  });

  it('is undefined where it cannot be counted, even when a zero follows', () => {
    expect(sizeOfShape([2 ** 40, 2 ** 40])).toBeUndefined();
    expect(sizeOfShape([2 ** 40, 2 ** 40, 0])).toBeUndefined();
    expect(sizeOfShape([Number.NaN])).toBeUndefined();
    expect(sizeOfShape([Infinity])).toBeUndefined();
  });
});

describe('two manifests', () => {
  it('are the same when names and shapes are, in order', () => {
    expect(sameManifest(layoutManifest([conv, bias]), layoutManifest([conv, bias]))).toBe(true);
  });

  it.each([
    ['in another order', [bias, conv]],
    ['with another name', [conv, { ...bias, name: 'conv2/bias' }]],
    ['with one more tensor', [conv, bias, { name: 'empty', shape: [0] }]],
    ['with a shape of the same size but other axes', [{ ...conv, shape: [3, 3, 16, 1] }, bias]],
    ['with one more axis of length one', [conv, { ...bias, shape: [16, 1] }]],
  ])('differ %s, and so do their digests', (_, others) => {
    const [manifest, other] = [layoutManifest([conv, bias]), layoutManifest(others)];
    expect(sameManifest(manifest, other)).toBe(false);
    expect(manifestDigest(manifest)).not.toBe(manifestDigest(other));
  });

  it('have the same digest exactly when they are the same', () => {
    fc.assert(
      fc.property(tensorLists, tensorLists, (a, b) => {
        const [one, other] = [layoutManifest(a), layoutManifest(b)];
        expect(manifestDigest(one) === manifestDigest(other)).toBe(sameManifest(one, other));
        expect(manifestDigest(one)).toBe(manifestDigest(layoutManifest(a)));
      }),
    );
  });

  it('have a digest that Python computes too', () => {
    // hashlib.sha256(b'[{"dtype":"F32","name":"conv/kernel","shape":[3,3,1,16]},{"dtype":"F32","name":"conv/bias","shape":[16]}]')
    expect(manifestDigest(layoutManifest([conv, bias]))).toBe(
      'aea909dada93e91a0cb50642304f8eed8c579178ac0126d3cf4903165da3a606',
    );
  });
});
