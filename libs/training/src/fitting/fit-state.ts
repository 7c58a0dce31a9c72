import { invariant } from '@consilium/stdx';
import type { Slots } from './optimizer.js';

/**
 * Everything that a job needs to go on after a step, beside itself: plain numbers and arrays that a structured clone or
 * a file can carry. Shuffling, augmentation and dropout need nothing here, since their draws are named by the step.
 *
 * It holds what was learnt from patients and stays on the site, as the samples do.
 */
export interface FitState {
  /** Steps that are done. */
  readonly step: number;
  /** All tensors after them, moving statistics included. */
  readonly values: Float32Array;
  readonly slots: Slots;
  /** The sum of the steps' losses. */
  readonly lossSum: number;
  /** In how many parts a batch went through at the end. */
  readonly microBatches: number;
}

/** Where a job begins, or goes on: arrays that may be written to. */
export function startState(values: Float32Array, steps: number, resume: FitState | undefined): FitState {
  if (!resume) return { step: 0, values: values.slice(), slots: [], lossSum: 0, microBatches: 1 };
  invariant(resume.values.length === values.length && resume.step <= steps, 'a job goes on from a state of its own');
  return copyState(resume);
}

export const copyState = ({ values, slots, ...numbers }: FitState): FitState => ({
  ...numbers,
  values: values.slice(),
  slots: slots.map((slot) => slot.slice()),
});
