import { initialise, smallCnn } from '@consilium/model';
import { seededRandom } from '@consilium/stdx';
import type { Engine } from './engine.js';
import type { FitJob } from './job.js';

const SIDE = 28;
const BATCH = 32;
/** What is measured lasts so long that a clock's tick does not matter, and so short that a person waits for it. */
const MEASURED_MS = 1000;

/**
 * Images per second that an engine trains, wall clock: the small CNN of the model zoo, 28 × 28 × 1 images in batches of
 * 32 with Adam. The first step, which also compiles, counts only where it takes longer than all that is measured.
 *
 * @param monotonic milliseconds that never go back
 */
export async function trainingSpeed(engine: Engine, monotonic: () => number): Promise<number> {
  const stop = new AbortController();
  let begun = { step: 0, ms: monotonic() };
  let speed = NaN;
  const onProgress = ({ step }: { step: number }): void => {
    const ms = monotonic();
    speed = ((step - begun.step) * BATCH * 1000) / (ms - begun.ms);
    if (ms - begun.ms >= MEASURED_MS) stop.abort();
    else if (step === 1) begun = { step, ms };
  };
  // Ended from within when there is enough to tell.
  await engine.fit(standardJob(), { onProgress, signal: stop.signal }).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return speed;
}

function standardJob(): FitJob {
  const graph = smallCnn({ input: [SIDE, SIDE, 1], classes: 1 });
  const random = seededRandom('consilium/speed');
  return {
    graph,
    weights: initialise(graph, 1),
    images: Float32Array.from({ length: BATCH * SIDE * SIDE }, () => random.uniform()),
    labels: Uint8Array.from({ length: BATCH }, (_, i) => i % 2),
    count: BATCH,
    optimizer: { type: 'adam', beta1: 0.9, beta2: 0.999 },
    learningRate: 1e-3,
    batchSize: BATCH,
    steps: 100_000,
    weightDecay: 0,
    classWeights: 'none',
    augmentation: { flipHorizontal: false, flipVertical: false, shiftPixels: 0 },
    seed: ['speed'],
  };
}
