import { asBytes, concatBytes, invariant, utf8 } from '@consilium/stdx';
import { LENGTH_BYTES, readHeader, type SafetensorsLimits } from './header.js';
import type { Manifest, TensorSpec } from './manifest.js';
import { weightsOf, type Weights } from './weights.js';

/**
 * Safetensors (huggingface/safetensors, format 1): an unsigned 64-bit little-endian header length, a JSON header, the
 * data. We write F32 only, the tensors in manifest order, the header padded with spaces to a multiple of 8 bytes, and
 * no metadata: nothing but the weights decides the bytes, so their SHA-256 names a model.
 */
export function encodeSafetensors(weights: Weights): Uint8Array {
  invariant(isLittleEndian, 'safetensors data are little-endian, and so is every machine we run on');
  return concatBytes([encodeHeader(weights.manifest), asBytes(weights.values)]);
}

/**
 * The weights of a safetensors file, held to all of the format's rules (see {@link readHeader}); tensors come in the
 * order of their data and `__metadata__` is checked and left behind. The values are a copy and any bit pattern is kept,
 * NaN too: whether they are finite is for the taker to ask. Throws SAFETENSORS_MALFORMED naming the broken rule.
 */
export function decodeSafetensors(bytes: Uint8Array, limits?: SafetensorsLimits): Weights {
  invariant(isLittleEndian, 'safetensors data are little-endian, and so is every machine we run on');
  const { manifest, dataStart } = readHeader(bytes, limits);
  const values = new Float32Array(manifest.size);
  // Bytes are copied, not viewed: another writer's header may leave the data at an odd address.
  asBytes(values).set(bytes.subarray(dataStart));
  return weightsOf(manifest, values);
}

/** Everything before the data: the length and the padded header. */
export function encodeHeader(manifest: Manifest): Uint8Array {
  // Written member by member: an object literal would reorder names such as `0` and lose `__proto__`.
  const json = utf8(`{${manifest.tensors.map(headerMember).join(',')}}`);
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const header = new Uint8Array(LENGTH_BYTES + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, LENGTH_BYTES);
  return header;
}

const headerMember = ({ name, shape, offset, size }: TensorSpec): string =>
  `${JSON.stringify(name)}:${JSON.stringify({ dtype: 'F32', shape, data_offsets: [offset * 4, (offset + size) * 4] })}`;

/** The exact length in bytes of {@link encodeSafetensors} for any weights of this manifest. */
export const safetensorsByteLength = (manifest: Manifest): number =>
  encodeHeader(manifest).byteLength + manifest.size * 4;

const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
