import { Fault, ManualClock } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import type { Engine } from './engine.js';
import { openEngine } from './engine.js';
import type { FitHooks, FitJob } from './job.js';
import { trainingSpeed } from './speed.js';

/** An engine whose steps take these milliseconds; the last is that of all that follow. */
function pacing(...stepMs: readonly number[]) {
  let [now, steps] = [5000, 0];
  const fit = async (job: FitJob, { onProgress, signal }: FitHooks = {}): Promise<never> => {
    for (let step = 1; step <= job.steps; step++) {
      if (signal?.aborted) throw new Fault('CANCELLED');
      now += stepMs[Math.min(step, stepMs.length) - 1]!;
      steps = step;
      onProgress?.({ step, steps: job.steps, loss: 1, microBatches: 1 });
    }
    throw new Error('measured for too long');
  };
  return { engine: { fit } as unknown as Engine, monotonic: () => now, steps: () => steps };
}

describe('the speed of an engine', () => {
  it('leaves the first step out, which compiles', async () => {
    const { engine, monotonic, steps } = pacing(900, 10);
    expect(await trainingSpeed(engine, monotonic)).toBeCloseTo(3200, 6);
    expect(steps()).toBe(101);
  });

  it('is that of the first step where this alone takes longer than a person waits', async () => {
    const { engine, monotonic, steps } = pacing(8000);
    expect(await trainingSpeed(engine, monotonic)).toBeCloseTo(4, 6);
    expect(steps()).toBe(1);
  });

  it('is not told where the engine fails', async () => {
    const engine = { fit: () => Promise.reject(new Fault('ENGINE_DIED', { step: 3 })) } as unknown as Engine;
    await expect(trainingSpeed(engine, () => 0)).rejects.toMatchObject({ code: 'ENGINE_DIED' });
  });

  it('is a real engine’s that really trains', async () => {
    const clock = new ManualClock(0);
    const engine = await openEngine('wasm');
    // Each look at the clock is a quarter of a second later, so that five steps are enough.
    expect(await trainingSpeed(engine, () => (clock.advance(250), clock.now()))).toBeCloseTo(128, 6);
    engine.close();
  });
});
