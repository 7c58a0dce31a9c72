import { digestOfJson, invariant, type Digest } from '@consilium/stdx';

/** A tensor before it has a place: its name and its shape; `[]` is a scalar. */
export interface TensorShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** One tensor's place in the buffer: `size` float32 values from `offset` on, row-major (last axis fastest). Both in elements. */
export interface TensorSpec extends TensorShape {
  readonly offset: number;
  readonly size: number;
}

/** All tensors of a model in their fixed order, back to back; `size` is the number of float32 values in total. */
export interface Manifest {
  readonly tensors: readonly TensorSpec[];
  readonly size: number;
}

/**
 * Lays the tensors out in the given order, without gaps. Names must be unique, non-empty, well-formed Unicode and not
 * `__metadata__`, which the safetensors format reserves; dimensions are whole numbers from 0 up. Names and shapes come
 * from a checked graph or a checked file, so a wrong one is our bug.
 */
export function layoutManifest(tensors: readonly TensorShape[]): Manifest {
  const names = new Set<string>();
  let offset = 0;
  const placed = tensors.map(({ name, shape }): TensorSpec => {
    invariant(isTensorName(name), 'a tensor has a name that safetensors can carry');
    invariant(!names.has(name), 'tensor names are unique');
    names.add(name);
    const size = sizeOfShape(shape);
    invariant(size !== undefined, 'a shape is a list of whole numbers whose product is a safe integer');
    const spec = { name, shape: [...shape], offset, size };
    offset += size;
    return spec;
  });
  invariant(Number.isSafeInteger(offset), 'a manifest counts its values in safe integers');
  return { tensors: placed, size: offset };
}

/** The number of values of a shape (1 for a scalar), or undefined where it is not a whole number that JavaScript counts exactly. */
export function sizeOfShape(shape: readonly number[]): number | undefined {
  let size = 1;
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) return undefined;
    size *= dimension;
    // Checked at each step, so that a zero at the end cannot hide an overflow before it.
    if (!Number.isSafeInteger(size)) return undefined;
  }
  return size;
}

/** Whether the tensors have the same names and shapes in the same order, and thus the same layout. */
export function sameManifest(a: Manifest, b: Manifest): boolean {
  if (a === b) return true;
  if (a.size !== b.size || a.tensors.length !== b.tensors.length) return false;
  return a.tensors.every((spec, i) => sameTensor(spec, b.tensors[i]!));
}

const sameTensor = (a: TensorShape, b: TensorShape): boolean =>
  a.name === b.name && a.shape.length === b.shape.length && a.shape.every((dimension, i) => dimension === b.shape[i]);

/** SHA-256 over names, shapes and dtype in order (as RFC 8785 JSON): equal digests mean {@link sameManifest}. */
export const manifestDigest = (manifest: Manifest): Digest =>
  digestOfJson(manifest.tensors.map(({ name, shape }) => ({ dtype: 'F32', name, shape })));

/** Whether a name can stand in a safetensors header: it has no lone surrogate, which UTF-8 cannot carry, and is not the reserved one. */
export const isTensorName = (name: string): boolean =>
  name !== '' && name !== '__metadata__' && !/\p{Surrogate}/u.test(name);
