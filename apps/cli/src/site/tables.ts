import { decodePublicKey, fingerprintWords } from '@consilium/identity';
import type { Enrolment, Site } from '../api/shapes.js';
import type { Terminal } from '../terminal.js';
import { NOTHING, utc } from '../text/numbers.js';
import { table } from '../text/table.js';
import { harmless } from '../text/width.js';

type Page = Pick<Terminal, 'columns' | 'paint'>;

export function siteTable(sites: readonly Site[], { columns, paint }: Page): string[] {
  if (sites.length === 0) return ['There is no site yet; consilium site invite NAME invites one.'];
  const state = ({ standing, connected }: Site): string => {
    if (standing === 'revoked') return paint.red('revoked');
    if (standing === 'left') return paint.yellow('left');
    return connected ? paint.green('connected') : paint.yellow('away');
  };
  return table(
    [
      { title: 'site', shrinks: true },
      { title: 'state' },
      { title: 'law' },
      { title: 'certificate until' },
      { title: 'last seen' },
      { title: 'software', shrinks: true },
    ],
    sites.map((site) => [
      site.name,
      state(site),
      site.jurisdiction ?? NOTHING,
      site.certificateEndsMs === null ? NOTHING : utc(site.certificateEndsMs),
      site.lastSeenMs === null ? NOTHING : utc(site.lastSeenMs),
      harmless(site.software ?? NOTHING),
    ]),
    columns(),
    paint,
  );
}

/** Who waits to be admitted, each with the words of the very key that would be admitted. */
export function enrolmentLines(enrolments: readonly Enrolment[], { paint }: Page): string[] {
  if (enrolments.length === 0) return ['No site waits to be admitted.'];
  return enrolments.flatMap(({ site, kind, jurisdiction, signing, askedMs }) => [
    `${paint.bold(site)} (${jurisdiction}) ${kind === 'rekey' ? 'asks for another key' : 'asks to join'}, ${utc(askedMs)}`,
    `  ${wordsOf(signing)}`,
  ]);
}

/** The six words of a key, computed here: what the coordinator says about it does not count. */
export const wordsOf = (signing: string): string => fingerprintWords(decodePublicKey(signing));
