import { invariant } from '@consilium/stdx';

/** One site's part of a training split. */
export interface SiteShare {
  readonly positives: number;
  readonly negatives: number;
}

/**
 * How four sites of the breast study differ: a referral centre that sees mostly cancers, down to a screening clinic
 * that is the largest and sees few. With BreastMNIST's 146 malignant and 399 benign images (546 less the one that is
 * also a test image) the counts come out exactly.
 */
const FOUR_SITES = { images: [110, 120, 140, 175], positiveShare: [0.58, 0.34, 0.18, 0.09] } as const;

/**
 * Parts for `sites` sites whose sums never exceed what is available. Four sites get the numbers above; for another
 * count, or with fewer images, the same profile is read off at as many places and scaled.
 */
export function shareOut(sites: number, available: SiteShare): readonly SiteShare[] {
  invariant(sites >= 1, 'data are shared among at least one site');
  if (sites === 1) return [available];
  const places = Array.from({ length: sites }, (_, i) => (i / (sites - 1)) * (FOUR_SITES.images.length - 1));
  const images = places.map((place) => profileAt(FOUR_SITES.images, place));
  const positives = images.map((count, i) => count * profileAt(FOUR_SITES.positiveShare, places[i]!));
  const negatives = images.map((count, i) => count - positives[i]!);
  // Four sites of a large enough archive keep their literal counts; more sites share all there is.
  const factor = (wanted: readonly number[], most: number): number =>
    sites === 4 ? Math.min(1, most / sum(wanted.map(Math.round))) : most / sum(wanted);
  return zip(
    rounded(positives, factor(positives, available.positives)),
    rounded(negatives, factor(negatives, available.negatives)),
  );
}

/** Scales and rounds to the nearest; where that needs more than there is, rounds down. */
function rounded(wanted: readonly number[], factor: number): number[] {
  const scaled = wanted.map((count) => count * factor);
  const nearest = scaled.map(Math.round);
  return factor === 1 || sum(nearest) <= Math.floor(sum(scaled) + 1e-9) ? nearest : scaled.map(Math.floor);
}

function profileAt(values: readonly number[], place: number): number {
  const low = Math.min(Math.floor(place), values.length - 2);
  return values[low]! + (values[low + 1]! - values[low]!) * (place - low);
}

const zip = (positives: readonly number[], negatives: readonly number[]): SiteShare[] =>
  positives.map((count, i) => ({ positives: count, negatives: negatives[i]! }));

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);
