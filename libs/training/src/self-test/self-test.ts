import { Fault } from '@consilium/stdx';
import { gradientError } from './gradient-error.js';
import { OPERATIONS, type Operation } from './operations.js';

/** Far above rounding (measured below 3e-4) and far below what a wrong kernel gives (measured above 0.1). */
export const TOLERANCE = 5e-3;

/**
 * Compares the gradients of the active backend with finite differences and returns the largest relative error.
 *
 * Backends have been seen to train on wrong gradients without any message, so none is used before this has passed.
 *
 * @throws Fault ENGINE_SELF_TEST_FAILED with the operation and its error
 */
export function selfTest(operations: readonly Operation[] = OPERATIONS): { maxError: number } {
  let maxError = 0;
  for (const operation of operations) {
    const error = errorOf(operation);
    if (!(error <= TOLERANCE)) {
      throw new Fault('ENGINE_SELF_TEST_FAILED', { operation: operation.name, error, tolerance: TOLERANCE });
    }
    maxError = Math.max(maxError, error);
  }
  return { maxError };
}

function errorOf(operation: Operation): number {
  try {
    return gradientError(operation);
  } catch (error) {
    throw new Fault('ENGINE_SELF_TEST_FAILED', { operation: operation.name, kernelMissing: true }, error);
  }
}
