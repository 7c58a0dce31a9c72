import { Fault, invariant, type SiteName } from '@consilium/stdx';
import { firstNonFinite, sameManifest, weightsOf, type Weights } from '@consilium/weights';
import type { AdmittedUpdate } from './admit.js';
import { EXAMPLES_MAX, isExamples } from './examples.js';

/** One site's part in a round. `examples` is the number of its training samples: see {@link isExamples}. */
export interface Contribution {
  readonly site: SiteName;
  readonly examples: number;
  readonly update: AdmittedUpdate;
}

/** How much a site counts: by its training samples, or each the same. */
export type Weighting = 'examples' | 'equal';

/**
 * Federated averaging (McMahan et al. 2017, Algorithm 1) on updates: base + Σ nₖ·updateₖ / Σ nₖ, with nₖ = examples, or
 * 1 for `equal`. The sum is taken in float64 in the order of the sites' names and each value is rounded to float32 once
 * at the end, so the same contributions give the same bits in whichever order they arrived, here and at an auditor's.
 * Sites are believed about their number of examples. Throws REQUEST_INVALID for an `examples` out of range; no
 * contribution, a site that stands twice, or an update of another manifest than the base's is our bug.
 */
export function fedavg(base: Weights, contributions: readonly Contribution[], weighting: Weighting): Weights {
  invariant(contributions.length > 0, 'a mean is over at least one contribution');
  const ordered = inSiteOrder(contributions);
  for (const contribution of ordered) checkContribution(contribution, base);
  const counts = ordered.map(({ examples }) => (weighting === 'equal' ? 1 : examples));
  const updates = ordered.map(({ update }) => update.values);
  const values = meanOnto(base.values, updates, counts);
  invariant(firstNonFinite(values) < 0, 'bounded updates of a finite model make a finite model');
  return weightsOf(base.manifest, values);
}

/** By UTF-16 code unit, never by locale: the order is part of the result. Each site once. */
function inSiteOrder(contributions: readonly Contribution[]): readonly Contribution[] {
  const ordered = [...contributions].sort((a, b) => (a.site < b.site ? -1 : a.site > b.site ? 1 : 0));
  ordered.forEach(({ site }, i) => invariant(site !== ordered[i + 1]?.site, 'a site contributes once to a round'));
  return ordered;
}

function checkContribution({ site, examples, update }: Contribution, base: Weights): void {
  invariant(sameManifest(update.manifest, base.manifest), 'an admitted update has the manifest of its base');
  if (!isExamples(examples)) {
    throw new Fault('REQUEST_INVALID', {
      field: 'examples',
      expected: `a whole number from 1 to ${EXAMPLES_MAX}`,
      site,
    });
  }
}

/** 64 KiB of float64 sums: they stay in a core's cache while every site's stretch passes over them. */
const BLOCK = 8192;

/** base + Σ count·update / Σ count, value by value; block by block, so that it needs no more memory than its result. */
function meanOnto(base: Float32Array, updates: readonly Float32Array[], counts: readonly number[]): Float32Array {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const values = new Float32Array(base.length);
  const sums = new Float64Array(Math.min(BLOCK, base.length));
  for (let start = 0; start < base.length; start += BLOCK) {
    const end = Math.min(start + BLOCK, base.length);
    sums.fill(0);
    updates.forEach((update, k) => addScaled(sums, update.subarray(start, end), counts[k]!));
    for (let i = start; i < end; i++) values[i] = base[i]! + sums[i - start]! / total;
  }
  return values;
}

/** sums += count·stretch. Four values a turn: measured half as fast again as one, and each value's arithmetic is the same. */
function addScaled(sums: Float64Array, stretch: Float32Array, count: number): void {
  const { length } = stretch;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    sums[i] = sums[i]! + count * stretch[i]!;
    sums[i + 1] = sums[i + 1]! + count * stretch[i + 1]!;
    sums[i + 2] = sums[i + 2]! + count * stretch[i + 2]!;
    sums[i + 3] = sums[i + 3]! + count * stretch[i + 3]!;
  }
  for (; i < length; i++) sums[i] = sums[i]! + count * stretch[i]!;
}
