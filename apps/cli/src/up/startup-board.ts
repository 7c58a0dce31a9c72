import { bar } from '../text/bar.js';
import type { Paint } from '../text/colour.js';
import { count } from '../text/numbers.js';
import { fit, padEnd, widthOf } from '../text/width.js';

/** What a hospital waits for before it serves. */
export type SiteStage = 'images' | 'joins' | 'starts' | 'serves';

const WORDS: Record<SiteStage, string> = {
  images: 'makes its images',
  joins: 'has its images and joins the federation',
  starts: 'starts and tests its engine',
  serves: 'serves',
};

/** How much of a hospital's start is behind it, by what it takes on two cores. */
const SHARE: Record<SiteStage, number> = { images: 0, joins: 0.4, starts: 0.5, serves: 1 };

/** How far the hospitals' start is: one bar for all, and what each does. */
export function startupBoard(
  stages: ReadonlyMap<string, SiteStage>,
  { width, sitesMax, paint }: { width: number; sitesMax: number; paint: Paint },
): string[] {
  const all = [...stages];
  const serving = all.filter(([, stage]) => stage === 'serves').length;
  const share = all.reduce((sum, [, stage]) => sum + SHARE[stage], 0) / Math.max(1, all.length);
  const head = `${serving} of ${count(all.length, 'hospital')} ready`;
  const names = Math.max(0, ...all.map(([name]) => widthOf(name)));
  const hidden = all.length - sitesMax;
  return [
    fit(`${head}  ${bar(share, Math.max(8, Math.min(40, width - widthOf(head) - 2)), paint)}`, width),
    ...all
      .slice(0, sitesMax)
      .map(([name, stage]) =>
        fit(
          `${padEnd(name, names)}  ${stage === 'serves' ? paint.green(WORDS[stage]) : paint.dim(WORDS[stage])}`,
          width,
        ),
      ),
    ...(hidden > 0 ? [paint.dim(`and ${count(hidden, 'more hospital')}`)] : []),
  ];
}
