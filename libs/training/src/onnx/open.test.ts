import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../index.js';
import { jobOn, LOGISTIC } from '../tensorflow/graphs.fixture.js';

/** The modules of ONNX Runtime that are loaded; they are CommonJS. */
const loaded = (): string[] =>
  Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('onnxruntime'));

describe('the engine onnx', () => {
  it('loads ONNX Runtime when it is opened, and not before', async () => {
    expect(loaded()).toEqual([]);
    (await openEngine('onnx', LOGISTIC)).close();
    expect(loaded()).not.toEqual([]);
  });

  it('tells name, release, determinism and the error of the self-test', async () => {
    const engine = await openEngine('onnx', LOGISTIC);
    expect(engine).toMatchObject({ name: 'onnx', version: '1.30.0', deterministic: true });
    expect(engine.selfTest.maxError).toBeGreaterThan(0);
    engine.close();
  });

  it('trains, differentiates and predicts, one thing after the other', async () => {
    const engine = await openEngine('onnx', LOGISTIC);
    const job = jobOn(LOGISTIC);
    const alone = await engine.fit(job);
    const [fitted, differentiated, predicted] = await Promise.all([
      engine.fit(job),
      engine.gradient(job),
      engine.predict(LOGISTIC, alone.weights, job.images, job.count),
    ]);
    expect(fitted).toEqual(alone);
    expect(differentiated.gradient).toHaveLength(job.weights.values.length);
    expect(predicted).toHaveLength(job.count);
    engine.close();
  });

  it('goes on after work that failed', async () => {
    const engine = await openEngine('onnx', LOGISTIC);
    const failing = engine.fit(jobOn(LOGISTIC, { count: 0, images: new Float32Array(), labels: new Uint8Array() }));
    const next = engine.fit(jobOn(LOGISTIC));
    await expect(failing).rejects.toMatchObject({ code: 'DATA_EMPTY' });
    expect((await next).steps).toBe(4);
    engine.close();
  });

  it('is not used once it is closed', async () => {
    const engine = await openEngine('onnx', LOGISTIC);
    engine.close();
    expect(() => engine.fit(jobOn(LOGISTIC))).toThrow('closed engine');
  });
});
