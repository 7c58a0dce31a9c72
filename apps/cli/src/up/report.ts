import { relative } from 'node:path';
import type { Paint } from '../text/colour.js';
import { bytes, count, duration, measure, NOTHING } from '../text/numbers.js';
import { table } from '../text/table.js';
import { wrapWords } from '../text/width.js';
import { mean, type UpResult } from './result.js';

/** The end of `consilium up` for people: the comparison, what it cost, and in one sentence what it shows. */
export function reportLines(result: UpResult, width: number, paint: Paint): string[] {
  const { sites, external } = result;
  const right = 'right' as const;
  const rows = [
    ...sites.map((site) => [
      site.name,
      String(site.examples),
      measure(site.localAuc),
      paint.bold(measure(site.federatedAuc)),
      measure(site.pooledAuc),
      bytes(site.bytesUp),
      bytes(site.bytesDown),
    ]),
    ...(external
      ? [
          [
            external.name,
            NOTHING,
            measure(external.localAucMean),
            paint.bold(measure(external.federatedAuc)),
            measure(external.pooledAuc),
            NOTHING,
            NOTHING,
          ],
        ]
      : []),
  ];
  return [
    ...wrapWords('Area under the ROC curve of three models, each on test images it never saw:', width),
    '',
    ...table(
      [
        { title: 'hospital', shrinks: true },
        { title: 'examples', align: right },
        { title: 'its own', align: right },
        { title: 'federated', align: right },
        { title: 'pooled', align: right },
        { title: 'sent', align: right },
        { title: 'received', align: right },
      ],
      rows,
      width,
      paint,
    ),
    '',
    ...wrapWords(conclusion(result), width),
    '',
    ...facts(result),
  ];
}

/** What the numbers say, and no more than they say. */
function conclusion(result: UpResult): string {
  const { sites, external } = result;
  const local = mean([...sites.map((site) => site.localAuc), ...(external ? [external.localAucMean] : [])]);
  const federated = mean([...sites.map((site) => site.federatedAuc), ...(external ? [external.federatedAuc] : [])]);
  const pooled = mean([...sites.map((site) => site.pooledAuc), ...(external ? [external.pooledAuc] : [])]);
  const trainedOnly = external
    ? ' The external hospital trained nothing; its row under “its own” is the mean of the hospitals’ own models there.'
    : '';
  if (local === null || federated === null || pooled === null)
    return `On some test images the area is undefined.${trainedOnly}`;
  return `On average ${measure(federated)} federated, ${measure(local)} alone, ${measure(pooled)} with all images in one place.${trainedOnly}`;
}

function facts(result: UpResult): string[] {
  const first = result.secondsToFirstRound;
  const took = `${duration(result.seconds * 1000)}${first === null ? '' : `, the first round after ${duration(first * 1000)}`}`;
  const peak = result.coordinatorPeakRssBytes;
  return [
    `study        ${result.study}, seed ${result.seed}, engine ${result.engine}`,
    `rounds       ${result.rounds} with ${count(result.sites.length, 'hospital')}`,
    `time         ${took}`,
    `coordinator  ${peak === null ? NOTHING : bytes(peak)} of memory at most`,
    `model        ${result.modelDigest}`,
  ];
}

/** A path as it is shortest to read and to paste: below the working directory without that in front. */
export function shownPath(path: string, workingDirectory: string): string {
  const near = relative(workingDirectory, path);
  return near === '' || near.startsWith('..') ? path : near;
}

export interface Places {
  readonly url: string;
  readonly tokenFile: string;
  readonly modelFile: string;
}

/** Where things are: while it keeps serving also the addresses, of which nothing is left after `--once`. */
export function placeLines({ url, tokenFile, modelFile }: Places, serving: boolean): string[] {
  const addresses = [
    `API          ${url}/api/v1`,
    `its pages    ${url}/docs`,
    `metrics      ${url}/metrics`,
    `token        ${tokenFile}`,
  ];
  return [...(serving ? addresses : []), `model file   ${modelFile}`];
}
