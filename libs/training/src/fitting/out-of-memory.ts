/** Thrown by an engine's step whose memory ran out; the step may be tried again with fewer samples at once. */
export class OutOfMemory extends Error {
  override readonly name = 'OutOfMemory';
}

/**
 * Whether an error of a native library says that memory ran out. There is no common type for it, only words:
 * TensorFlow's `OOM when allocating tensor` (RESOURCE_EXHAUSTED), CUDA's and WebGPU's `out of memory`, ONNX Runtime's
 * `Failed to allocate memory`, V8's `Array buffer allocation failed` and the WebAssembly heap's `Cannot enlarge memory`.
 */
export const isOutOfMemory = (error: unknown): boolean =>
  error instanceof OutOfMemory || (error instanceof Error && WORDS.test(error.message));

const WORDS =
  /out of memory|\bOOM\b|RESOURCE_EXHAUSTED|failed to allocate memory|allocation failed|cannot enlarge memory|bad_alloc/i;
