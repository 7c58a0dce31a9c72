import type { FitJob } from '../job.js';

type Terms = Pick<FitJob, 'clipNorm' | 'proximal' | 'correction'>;

/** A stretch of the manifest's layout. */
export interface Stretch {
  readonly offset: number;
  readonly size: number;
}

/**
 * What a job makes of its loss's gradient before the optimiser sees it, in place and over the trained tensors alone:
 *
 * 1. clip: g ← g · min(1, c / ‖g‖), the norm being Euclidean and over all trained tensors together, in float64;
 * 2. FedProx: g ← g + μ · (w − w₀);
 * 3. SCAFFOLD: g ← g + (c − cᵢ).
 *
 * Clipping comes first, so that what guards against a bad batch does not weaken the pull towards the consortium.
 */
export function shapeGradient(
  gradient: Float32Array,
  values: Float32Array,
  start: Float32Array,
  { clipNorm, proximal = 0, correction }: Terms,
  trained: readonly Stretch[],
): void {
  const scale = clipNorm === undefined ? 1 : Math.min(1, clipNorm / normOf(gradient, trained));
  if (scale === 1 && proximal === 0 && !correction) return;
  for (const { offset, size } of trained) {
    for (let i = offset; i < offset + size; i++) {
      gradient[i] = scale * gradient[i]! + proximal * (values[i]! - start[i]!) + (correction?.[i] ?? 0);
    }
  }
}

/** The Euclidean norm over stretches, in float64. */
export function normOf(gradient: Float32Array, stretches: readonly Stretch[]): number {
  let squares = 0;
  for (const { offset, size } of stretches) {
    for (let i = offset; i < offset + size; i++) squares += gradient[i]! * gradient[i]!;
  }
  return Math.sqrt(squares);
}
