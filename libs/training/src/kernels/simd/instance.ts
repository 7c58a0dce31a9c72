import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { SIMD_FUNCTIONS } from './functions.js';
import { encodeModule } from './module.js';

/** Our functions by name, on the backend's own memory; all arguments are 32-bit integers. */
export type SimdKernels = Readonly<Record<string, (...integers: number[]) => void>>;

const instances = new WeakMap<BackendWasm, SimdKernels | null>();

/**
 * Our SIMD functions, made for this backend the first time; null where the processor or the runtime has no SIMD or the
 * backend's memory cannot be had, and callers take the way without.
 */
export function simdOf(backend: BackendWasm): SimdKernels | null {
  const known = instances.get(backend);
  if (known !== undefined) return known;
  const made = instantiate(memoryOf(backend));
  instances.set(backend, made);
  return made;
}

function instantiate(memory: WebAssembly.Memory | undefined): SimdKernels | null {
  const code = encodeModule(SIMD_FUNCTIONS);
  if (!memory || !WebAssembly.validate(code)) return null;
  return new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports as unknown as SimdKernels;
}

/** Emscripten keeps the memory among the exports of its own module. */
function memoryOf({ wasm }: BackendWasm): WebAssembly.Memory | undefined {
  const memory = (wasm as { asm?: { memory?: unknown } }).asm?.memory;
  return memory instanceof WebAssembly.Memory ? memory : undefined;
}
