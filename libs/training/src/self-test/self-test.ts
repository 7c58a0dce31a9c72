import type { Graph } from '@consilium/model';
import { Fault } from '@consilium/stdx';
import { gradientError, type Differentiate } from './gradient-error.js';
import type { Operation } from './operation.js';
import { OPERATIONS } from './operations.js';

/** Far above rounding (measured below 5e-4) and far below what a wrong kernel gives (measured above 0.1). */
export const TOLERANCE = 5e-3;

/**
 * Compares an engine's gradients with finite differences and returns the largest relative error.
 *
 * Engines have been seen to train on wrong gradients without any message, so none is used before this has passed.
 *
 * @param differentiate how the engine differentiates one batch
 * @param operations what is asked; left away, everything
 * @param unsupported names what the engine refuses about a graph; such operations are left out, since the engine
 *   refuses plans with them before it trains
 * @throws Fault ENGINE_SELF_TEST_FAILED with the operation and its error
 */
export async function selfTest(
  differentiate: Differentiate,
  operations: readonly Operation[] = OPERATIONS,
  unsupported: (graph: Graph) => string | undefined = () => undefined,
): Promise<{ maxError: number }> {
  let maxError = 0;
  for (const operation of operations) {
    if (unsupported(operation.graph) !== undefined) continue;
    const error = await errorOf(operation, differentiate);
    if (!(error <= TOLERANCE)) {
      throw new Fault('ENGINE_SELF_TEST_FAILED', { operation: operation.name, error, tolerance: TOLERANCE });
    }
    maxError = Math.max(maxError, error);
  }
  return { maxError };
}

async function errorOf(operation: Operation, differentiate: Differentiate): Promise<number> {
  try {
    return await gradientError(operation, differentiate);
  } catch (error) {
    throw new Fault('ENGINE_SELF_TEST_FAILED', { operation: operation.name, kernelMissing: true }, error);
  }
}
