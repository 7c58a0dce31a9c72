import { concatBytes, utf8 } from '@consilium/stdx';
import fc from 'fast-check';
import { layoutManifest, sizeOfShape, type TensorShape } from './manifest.js';
import { weightsOf, type Weights } from './weights.js';

/** A file put together by hand, with no rule applied: header (JSON unless text or bytes), data, and the length that it claims. */
export function fileOf(header: unknown, data: Uint8Array = new Uint8Array(0), claimed?: bigint): Uint8Array {
  const bytes =
    header instanceof Uint8Array ? header : utf8(typeof header === 'string' ? header : JSON.stringify(header));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, claimed ?? BigInt(bytes.byteLength), true);
  return concatBytes([length, bytes, data]);
}

/** A tensor's header entry. */
export const entry = (
  shape: unknown,
  begin: unknown,
  end: unknown,
  dtype: unknown = 'F32',
): Record<string, unknown> => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

export const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.replace(/\s/g, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** Names that invite trouble among ordinary ones. */
export const tensorNames = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((name) => !/\p{Surrogate}/u.test(name)),
  fc.constantFrom('0', '10', '2', '__proto__', 'constructor', 'conv/kernel', 'α/β', '"\\\n', 'toString'),
);

export const tensorLists: fc.Arbitrary<TensorShape[]> = fc.uniqueArray(
  fc.record({ name: tensorNames, shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }) }),
  { selector: ({ name }) => name, maxLength: 6 },
);

/** Weights of any manifest and any bit patterns: NaNs with payloads, infinities, −0, subnormals. */
export const anyWeights: fc.Arbitrary<Weights> = tensorLists.chain((tensors) => {
  const size = tensors.reduce((sum, { shape }) => sum + sizeOfShape(shape)!, 0);
  return fc
    .uint32Array({ minLength: size, maxLength: size })
    .map((bits) => weightsOf(layoutManifest(tensors), new Float32Array(bits.buffer)));
});

/** Finite values of one small manifest. */
export const finiteWeights = (size: number): fc.Arbitrary<Weights> =>
  fc
    .float32Array({ minLength: size, maxLength: size, noNaN: true, noDefaultInfinity: true })
    .map((values) => weightsOf(layoutManifest([{ name: 'all', shape: [size] }]), values));
