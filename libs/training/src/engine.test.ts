import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openEngine } from './index.js';
import type * as open from './tensorflow/open.js';
import { jobOn, LOGISTIC, EVERY_2D_LAYER } from './tensorflow/graphs.fixture.js';

/** The modules of TensorFlow.js that are loaded; they are CommonJS. */
const loaded = (): string[] =>
  Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('@tensorflow'));

afterEach(() => vi.restoreAllMocks());

describe('opening an engine', () => {
  it('is when TensorFlow.js is loaded, and not before; it says nothing and leaves the process’s handlers alone', async () => {
    expect(loaded()).toEqual([]);
    const said = (['log', 'warn', 'error', 'info'] as const).map((level) => vi.spyOn(console, level));
    const handlers = (): unknown[] => [process.listeners('uncaughtException'), process.listeners('unhandledRejection')];
    const before = handlers();

    for (const name of ['wasm', 'cpu'] as const) {
      const engine = await openEngine(name);
      await engine.fit(jobOn(LOGISTIC, { steps: 1 }));
      engine.close();
    }

    expect(loaded()).not.toEqual([]);
    expect(handlers()).toEqual(before);
    for (const spy of said) expect(spy).not.toHaveBeenCalled();
  });

  it('tells name, version, determinism and the error of the self-test', async () => {
    const engine = await openEngine('wasm');
    expect(engine).toMatchObject({ name: 'wasm', version: '4.22.0', deterministic: true });
    expect(engine.selfTest.maxError).toBeGreaterThan(0);
    expect(engine.selfTest.maxError).toBeLessThan(1e-3);
    engine.close();
  });

  it('by itself takes ONNX Runtime', async () => {
    const engine = await openEngine('auto', LOGISTIC);
    expect(engine.name).toBe('onnx');
    engine.close();
  });

  it('by itself takes the next that starts', async () => {
    vi.doMock('./onnx/open.js', () => ({ openOnnx: () => Promise.reject(new Error('no ONNX Runtime')) }));
    vi.doMock('./tensorflow/open.js', async (original) => {
      const module = await original<typeof open>();
      const openTensorflow: typeof open.openTensorflow = (name) =>
        name === 'wasm' ? Promise.reject(new Error('no WebAssembly')) : module.openTensorflow(name);
      return { openTensorflow };
    });
    const engine = await openEngine('auto');
    expect(engine.name).toBe('cpu');
    engine.close();
    vi.doUnmock('./tensorflow/open.js');
    vi.doUnmock('./onnx/open.js');
  });
});

describe('two engines of one process', () => {
  it('do not disturb each other when both are asked at once', async () => {
    const [wasm, cpu] = [await openEngine('wasm'), await openEngine('cpu')];
    const job = jobOn(EVERY_2D_LAYER, { steps: 2 });
    const alone = [await wasm.fit(job), await cpu.fit(job)];
    const together = await Promise.all([wasm.fit(job), cpu.fit(job), wasm.fit(job)]);
    expect(together).toEqual([alone[0], alone[1], alone[0]]);
    [wasm, cpu].forEach((engine) => engine.close());
  });

  it('go on after work that failed', async () => {
    const engine = await openEngine('wasm');
    const failing = engine.fit(jobOn(LOGISTIC, { count: 0, images: new Float32Array(), labels: new Uint8Array() }));
    const next = engine.fit(jobOn(LOGISTIC));
    await expect(failing).rejects.toMatchObject({ code: 'DATA_EMPTY' });
    expect((await next).steps).toBe(4);
    engine.close();
  });
});

describe('a closed engine', () => {
  it('is not used', async () => {
    const engine = await openEngine('cpu');
    engine.close();
    expect(() => engine.fit(jobOn(LOGISTIC))).toThrow('closed engine');
  });
});
