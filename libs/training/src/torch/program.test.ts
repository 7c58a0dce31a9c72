import { describe, expect, it } from 'vitest';
import type { FitJob } from '../job.js';
import { jobOn, LOGISTIC } from '../tensorflow/graphs.fixture.js';
import { openEngine } from '../engine.js';
import { openTorch } from './open.js';
import { NEEDED, PLANTED, PYTHON } from './python.fixture.js';
import { TorchProgram, type TorchOptions } from './program.js';

const planted = (fault: string, more: Partial<TorchOptions> = {}): TorchOptions => ({
  python: PYTHON!,
  device: 'cpu',
  programPath: PLANTED,
  args: [fault],
  ...more,
});

describe('a site without PyTorch', () => {
  it('is told which setting is missing', async () => {
    const before = process.env['CONSILIUM_PYTHON'];
    delete process.env['CONSILIUM_PYTHON'];
    try {
      await expect(openEngine('torch')).rejects.toMatchObject({
        code: 'ENGINE_UNAVAILABLE',
        facts: { engine: 'torch', setting: 'CONSILIUM_PYTHON' },
      });
    } finally {
      if (before !== undefined) process.env['CONSILIUM_PYTHON'] = before;
    }
  });

  it.each([
    ['a program that is not there', '/nowhere/python'],
    ['one that is no Python', process.execPath],
  ])('has no such engine: %s', async (_, python) => {
    await expect(openTorch({ python })).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });
});

describe.skipIf(!PYTHON)(`the program${NEEDED}`, () => {
  it('gets nothing of our environment but what it needs', async () => {
    process.env['CONSILIUM_SECRET'] = 'not for children';
    const probe = 'import json, os, sys; print(json.dumps(sorted(os.environ)), file=sys.stderr)';
    const program = new TorchProgram({ python: PYTHON!, programPath: '-c', args: [], device: probe as 'cpu' });
    const error = await program.ask('hello').catch((fault: Error) => fault);
    delete process.env['CONSILIUM_SECRET'];
    const said = String((error as Error).cause);
    expect(said).toContain('PATH');
    expect(said).not.toContain('SECRET');
  });

  it('does not start on a device that is not there', async () => {
    const missing = openTorch({ python: PYTHON!, device: 'cuda:97' }, LOGISTIC);
    await expect(missing).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  });

  it('with a wrong gradient is caught by the self-test, by the name of the operation', async () => {
    await expect(openTorch(planted('wrong-gradient'))).rejects.toMatchObject({
      code: 'ENGINE_SELF_TEST_FAILED',
      facts: { operation: expect.stringContaining('max-pool2d'), error: expect.any(Number) },
    });
  });

  it('that lacks a layer refuses it by name', async () => {
    await expect(openTorch(planted('ignorant'))).rejects.toMatchObject({
      code: 'ENGINE_SELF_TEST_FAILED',
      cause: expect.objectContaining({ code: 'ENGINE_UNSUPPORTED', facts: { layer: 'tested', feature: 'attention' } }),
    });
  });

  it.each([
    ['is killed', 'killed', {}],
    ['hangs', 'hanging', { answerMs: 4_000 }],
    ['fails', 'failing', {}],
  ])('that %s tells the step, and nothing of what it said; the next job has a new one', async (_, fault, more) => {
    const engine = await openTorch(planted(fault, more), LOGISTIC);
    const job = jobOn(LOGISTIC, { steps: 6 });
    const error: unknown = await engine.fit(job).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ENGINE_DIED', facts: { engine: 'torch', step: 3 } });
    expect(JSON.stringify((error as { facts: object }).facts)).not.toContain('4711');
    expect((await engine.fit({ ...job, steps: 2 })).steps).toBe(2);
    engine.close();
  });

  it('that runs out of memory takes the batch in parts, says so, and learns the same', async () => {
    const job: FitJob = jobOn(LOGISTIC, { steps: 4, batchSize: 8 });
    const [small, roomy] = [await openTorch(planted('small'), LOGISTIC), await openTorch(planted('none'), LOGISTIC)];
    const parts: number[] = [];
    const came = await small.fit(job, { onProgress: ({ microBatches }) => parts.push(microBatches) });
    const whole = await roomy.fit(job);
    expect(parts).toEqual([4, 4, 4, 4]);
    came.weights.values.forEach((value, i) => expect(value).toBeCloseTo(whole.weights.values[i]!, 6));
    const cox: Partial<FitJob> = { loss: 'cox-partial-likelihood', labels: new Float32Array(48).fill(1) };
    await expect(small.fit({ ...job, ...cox })).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', facts: { step: 1 } });
    [small, roomy].forEach((engine) => engine.close());
  });
});
