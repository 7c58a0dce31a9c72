import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import { enableProdMode, env, setBackend, setWasmPaths } from './tfjs.js';
import { Fault } from '@consilium/stdx';
import type { EngineName } from '../engine.js';
import { repairCpuKernels, repairGradients, repairWasmKernels } from '../kernels/repair.js';

const repaired = new Set<'gradients' | EngineName>();

/**
 * Makes a backend the one that TensorFlow.js computes with, and starts and repairs it the first time.
 *
 * @throws Fault ENGINE_UNAVAILABLE
 */
export async function activateBackend(name: EngineName): Promise<void> {
  quiet();
  if (name === 'wasm' && !repaired.has('wasm')) setWasmPaths(wasmFolder());
  if (!(await withoutNewCrashHandlers(() => started(name)))) throw new Fault('ENGINE_UNAVAILABLE', { engine: name });
  once('gradients', repairGradients);
  if (name === 'wasm') once('wasm', repairWasmKernels);
  if (name === 'cpu') once('cpu', repairCpuKernels);
}

function once(what: 'gradients' | EngineName, repair: () => void): void {
  if (repaired.has(what)) return;
  repair();
  repaired.add(what);
}

/** setBackend answers false, or falls back to another backend, where one cannot start: only `true` counts. */
async function started(name: EngineName): Promise<boolean> {
  try {
    return await setBackend(name);
  } catch (error) {
    throw new Fault('ENGINE_UNAVAILABLE', { engine: name }, error);
  }
}

/** Production mode keeps TensorFlow.js from advertising on standard error. */
function quiet(): void {
  if (!env().getBool('PROD')) enableProdMode();
}

function wasmFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')) + sep;
}

const CRASH_EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * The Emscripten runtime installs handlers for these events that would decide for the whole process how it dies.
 * Whatever the work adds to them is taken away again.
 */
async function withoutNewCrashHandlers<T>(work: () => Promise<T>): Promise<T> {
  const before = CRASH_EVENTS.map((event) => new Set(process.listeners(event as 'uncaughtException')));
  try {
    return await work();
  } finally {
    CRASH_EVENTS.forEach((event, i) => {
      for (const listener of process.listeners(event as 'uncaughtException')) {
        if (!before[i]!.has(listener)) process.removeListener(event, listener);
      }
    });
  }
}
