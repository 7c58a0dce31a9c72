import { seededRandom, type SeededRandom } from '@consilium/stdx';
import type { Hospital } from './hospitals.js';

export type SplitName = 'train' | 'test';

/** One image to be made. */
export interface Candidate {
  /** Counts from 1 within the hospital. */
  readonly patient: number;
  /** Counts from 1 within the patient. */
  readonly image: number;
  readonly split: SplitName;
  readonly label: 0 | 1;
  readonly marked: boolean;
}

/**
 * Who was scanned: exact counts rather than coin flips, so that a test split is balanced and its markers say nothing
 * about the label by construction. About a third of the patients have two or three candidates; all of a patient's
 * images stand in one split.
 */
export function drawCohort(hospital: Hospital, ...seed: readonly (string | number)[]): readonly Candidate[] {
  const { examples, prevalence, marker } = hospital;
  const random = seededRandom('consilium/phantom/cohort', ...seed);
  const train = drawSplit(random, 'train', examples.train, prevalence, marker.train, 1);
  const test = drawSplit(
    random,
    'test',
    examples.test,
    0.5,
    [marker.test, marker.test],
    1 + (train.at(-1)?.patient ?? 0),
  );
  return [...train, ...test];
}

function drawSplit(
  random: SeededRandom,
  split: SplitName,
  count: number,
  prevalence: number,
  markerShare: readonly [number, number],
  firstPatient: number,
): Candidate[] {
  const positives = Math.round(count * prevalence);
  const kinds = ([0, 1] as const).flatMap((label) => {
    const size = label === 1 ? positives : count - positives;
    const marked = Math.round(size * markerShare[label]);
    return Array.from({ length: size }, (_, i) => ({ label, marked: i < marked }));
  });
  const candidates: Candidate[] = [];
  let [patient, image, imagesLeft] = [firstPatient - 1, 0, 0];
  for (const at of random.permutation(count)) {
    if (imagesLeft === 0) {
      patient += 1;
      image = 0;
      imagesLeft = 1 + Math.max(0, random.integer(6) - 3);
    }
    image += 1;
    imagesLeft -= 1;
    candidates.push({ patient, image, split, ...kinds[at]! });
  }
  return candidates;
}
