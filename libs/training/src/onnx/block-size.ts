import { seededRandom } from '@consilium/stdx';
import { graphSchema, manifestOf } from '@consilium/model';
import { predictionProgram } from './programs.js';
import { Session, type SessionOptions } from './session.js';

/** AVX-512's registers hold 16 values, AVX2's 8. */
const CANDIDATES = [16, 8] as const;
/** Rounding gives 1e-6; a wrong block gives numbers that have nothing to do with the right ones. */
const TOLERANCE = 1e-4;

/** Two convolutions, of which the second reads and writes blocks. */
const PROBE = graphSchema.parse({
  layers: [
    { type: 'input', name: 'image', shape: [4, 5, 1] },
    { type: 'conv2d', name: 'first', filters: 32, kernel: [3, 3] },
    { type: 'conv2d', name: 'second', filters: 16, kernel: [3, 3] },
  ],
});

/**
 * How many channels this processor's blocked layout keeps together, or undefined where it has none. ONNX Runtime does
 * not tell, and takes a wrong number without an error, so the same convolution is computed in both layouts.
 */
export async function findBlockSize(options: SessionOptions): Promise<number | undefined> {
  const plain = await outputs(undefined, options);
  for (const block of CANDIDATES) {
    const blocked = await outputs(block, options).catch(() => undefined);
    if (blocked && differs(plain, blocked) <= TOLERANCE) return block;
  }
  return undefined;
}

async function outputs(block: number | undefined, options: SessionOptions): Promise<Float32Array> {
  const manifest = manifestOf(PROBE);
  const random = seededRandom('consilium/block-size');
  const values = (length: number): Float32Array => Float32Array.from({ length }, () => random.between(-1, 1));
  const session = await Session.open(
    predictionProgram(PROBE, 1, { manifest, outputs: 4 * 5 * 16 }, { block }),
    options,
  );
  try {
    return (await session.run({ images: values(4 * 5), weights: values(manifest.size) }))['outputs']!;
  } finally {
    await session.close();
  }
}

const differs = (a: Float32Array, b: Float32Array): number =>
  a.reduce((worst, value, i) => {
    const difference = Math.abs(value - b[i]!) / (1 + Math.abs(value));
    return Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
  }, 0);
