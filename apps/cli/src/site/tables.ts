import type { Site } from '../api/shapes.js';
import type { Terminal } from '../terminal.js';
import { NOTHING, utc } from '../text/numbers.js';
import { table } from '../text/table.js';
import { harmless } from '../text/width.js';

export function siteTable(sites: readonly Site[], { columns, paint }: Pick<Terminal, 'columns' | 'paint'>): string[] {
  if (sites.length === 0) return ['No site has connected yet.'];
  return table(
    [
      { title: 'site', shrinks: true },
      { title: 'state' },
      { title: 'last seen' },
      { title: 'software', shrinks: true },
    ],
    sites.map((site) => [
      site.name,
      site.connected ? paint.green('connected') : paint.yellow('away'),
      site.lastSeenMs === null ? NOTHING : utc(site.lastSeenMs),
      harmless(site.software ?? NOTHING),
    ]),
    columns(),
    paint,
  );
}
