import { digestOf, Fault, fromUtf8, toHex } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyWeights, entry, fileOf, fromHex } from './file.fixture.js';
import { layoutManifest, sameManifest } from './manifest.js';
import { decodeSafetensors, encodeHeader, encodeSafetensors, safetensorsByteLength } from './safetensors.js';
import { tensorOf, weightsOf } from './weights.js';

/**
 * Written by the safetensors Python library, 0.8.0:
 * `safetensors.numpy.save({'conv/kernel': float32 [[1, 2], [3, -0.5]], 'conv/bias': float32 [0.25, -0.0]})`.
 * The library sorts by name, so the bias comes first.
 */
const CONV = fromHex(`
  80000000000000007b22636f6e762f62696173223a7b226474797065223a22463332222c227368617065223a5b325d2c22646174615f6f66667365
  7473223a5b302c385d7d2c22636f6e762f6b65726e656c223a7b226474797065223a22463332222c227368617065223a5b322c325d2c2264617461
  5f6f666673657473223a5b382c32345d7d7d0000803e000000800000803f0000004000004040000000bf`);

/** The same, with `metadata={'format': 'np'}`. */
const CONV_WITH_METADATA = fromHex(`
  a0000000000000007b225f5f6d657461646174615f5f223a7b22666f726d6174223a226e70227d2c22636f6e762f62696173223a7b226474797065
  223a22463332222c227368617065223a5b325d2c22646174615f6f666673657473223a5b302c385d7d2c22636f6e762f6b65726e656c223a7b2264
  74797065223a22463332222c227368617065223a5b322c325d2c22646174615f6f666673657473223a5b382c32345d7d7d200000803e0000008000
  00803f0000004000004040000000bf`);

/** By the same library: `{'a': float32 scalar 3.5, 'e': float32 zeros((0, 3)), 'z': float32 [1, 2, 3]}`. */
const EDGES = fromHex(`
  a8000000000000007b2261223a7b226474797065223a22463332222c227368617065223a5b5d2c22646174615f6f666673657473223a5b302c345d
  7d2c2265223a7b226474797065223a22463332222c227368617065223a5b302c335d2c22646174615f6f666673657473223a5b342c345d7d2c227a
  223a7b226474797065223a22463332222c227368617065223a5b335d2c22646174615f6f666673657473223a5b342c31365d7d7d20202020202000
  0060400000803f0000004000004040`);

/** By the same library: `{'a': float16 [1, 2]}`. */
const HALF = fromHex(`
  38000000000000007b2261223a7b226474797065223a22463136222c227368617065223a5b325d2c22646174615f6f666673657473223a5b302c34
  5d7d7d2020003c0040`);

/** By the same library: `{'α': float32 [1, 2]}`. */
const GREEK = fromHex(`
  38000000000000007b22ceb1223a7b226474797065223a22463332222c227368617065223a5b325d2c22646174615f6f666673657473223a5b302c
  385d7d7d200000803f00000040`);

const bitsOf = (values: Float32Array): Uint32Array => new Uint32Array(values.slice().buffer);

describe('files of the safetensors Python library', () => {
  it('are read to the same names, shapes and values', () => {
    const weights = decodeSafetensors(CONV);
    expect(weights.manifest).toEqual(
      layoutManifest([
        { name: 'conv/bias', shape: [2] },
        { name: 'conv/kernel', shape: [2, 2] },
      ]),
    );
    expect([...weights.values]).toEqual([0.25, -0, 1, 2, 3, -0.5]);
    expect([...tensorOf(weights, 'conv/kernel')]).toEqual([1, 2, 3, -0.5]);
  });

  it('are read with their metadata left behind', () => {
    expect(decodeSafetensors(CONV_WITH_METADATA)).toEqual(decodeSafetensors(CONV));
  });

  it('may hold scalars and tensors without values', () => {
    const { manifest, values } = decodeSafetensors(EDGES);
    expect(manifest.tensors.map(({ name, shape }) => [name, shape])).toEqual([
      ['a', []],
      ['e', [0, 3]],
      ['z', [3]],
    ]);
    expect([...values]).toEqual([3.5, 1, 2, 3]);
  });

  it('are what we write from the same weights in the same order, byte for byte', () => {
    for (const file of [CONV, EDGES, GREEK])
      expect(toHex(encodeSafetensors(decodeSafetensors(file)))).toBe(toHex(file));
  });

  it('are refused in half precision', () => {
    expect(() => decodeSafetensors(HALF)).toThrow(Fault);
    expect(() => decodeSafetensors(HALF)).toThrow('dtype: F16');
  });
});

describe('writing and reading back', () => {
  it('keeps every bit of every value, NaN payloads too, and the manifest with its order', () => {
    fc.assert(
      fc.property(anyWeights, (weights) => {
        const back = decodeSafetensors(encodeSafetensors(weights));
        expect(back.manifest).toEqual(weights.manifest);
        expect(bitsOf(back.values)).toEqual(bitsOf(weights.values));
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same bytes for the same weights', () => {
    fc.assert(
      fc.property(anyWeights, (weights) => {
        const copy = weightsOf(layoutManifest(weights.manifest.tensors), weights.values.slice());
        expect(digestOf(encodeSafetensors(copy))).toBe(digestOf(encodeSafetensors(weights)));
      }),
    );
  });

  it('gives other bytes when one bit of one value changes', () => {
    const manifest = layoutManifest([{ name: 'a', shape: [2] }]);
    const [zero, minus] = [0, -0].map((first) => encodeSafetensors(weightsOf(manifest, Float32Array.of(first, 1))));
    expect(digestOf(zero!)).not.toBe(digestOf(minus!));
  });

  it('predicts the length and aligns the data to 8 bytes', () => {
    fc.assert(
      fc.property(anyWeights, (weights) => {
        const file = encodeSafetensors(weights);
        expect(file.byteLength).toBe(safetensorsByteLength(weights.manifest));
        expect(encodeHeader(weights.manifest).byteLength % 8).toBe(0);
        expect(file.byteLength - weights.values.byteLength).toBe(encodeHeader(weights.manifest).byteLength);
      }),
    );
  });

  it('puts no time, id or metadata into the header', () => {
    const header = fromUtf8(encodeHeader(layoutManifest([{ name: 'a', shape: [2, 3] }])).subarray(8));
    expect(header.trimEnd()).toBe('{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}');
  });

  it('writes the values of a view, not of the buffer behind it', () => {
    const values = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    const file = encodeSafetensors(weightsOf(layoutManifest([{ name: 'a', shape: [2] }]), values));
    expect([...decodeSafetensors(file).values]).toEqual([1, 2]);
  });
});

describe('reading', () => {
  it('copies, so that later changes to the bytes do not reach the weights', () => {
    const file = CONV.slice();
    const weights = decodeSafetensors(file);
    file.fill(0xff);
    expect([...weights.values]).toEqual([0.25, -0, 1, 2, 3, -0.5]);
    expect(weights.values.buffer.byteLength).toBe(24);
  });

  it('needs no alignment of header or buffer', () => {
    const header = { a: entry([2], 0, 8) };
    for (const spaces of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const file = fileOf(
        JSON.stringify(header) + ' '.repeat(spaces),
        CONV.subarray(CONV.byteLength - 16, CONV.byteLength - 8),
      );
      expect([...decodeSafetensors(file).values]).toEqual([1, 2]);
    }
  });

  it('refuses every shorter file, and every longer one', () => {
    for (let length = 0; length < CONV.byteLength; length++) {
      expect(() => decodeSafetensors(CONV.subarray(0, length))).toThrow(Fault);
    }
    expect(() => decodeSafetensors(Uint8Array.of(...CONV, 0))).toThrow(Fault);
  });

  it('answers any damage to the header with weights or a Fault, never with another error', () => {
    fc.assert(
      fc.property(fc.nat({ max: 135 }), fc.nat({ max: 255 }), (at, byte) => {
        const file = CONV.slice();
        file[at] = byte;
        try {
          expect(decodeSafetensors(file).values).toHaveLength(6);
        } catch (error) {
          expect(Fault.is(error, 'SAFETENSORS_MALFORMED')).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('answers any bytes at all in the same way', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(() => decodeSafetensors(bytes)).toThrow(Fault);
      }),
    );
  });

  it('obeys the given limit', () => {
    expect(() => decodeSafetensors(CONV, { headerBytesMax: 127 })).toThrow('limitBytes: 127');
    expect(
      sameManifest(decodeSafetensors(CONV, { headerBytesMax: 128 }).manifest, decodeSafetensors(CONV).manifest),
    ).toBe(true);
  });
});
