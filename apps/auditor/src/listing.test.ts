import { beforeAll, describe, expect, it } from 'vitest';
import { entryLine } from './commands/log.js';
import { listEntriesOf, type Listed } from './listing.js';
import { SmallFederation, RUN } from './testing/federation.fixture.js';

let federation: SmallFederation;
let all: readonly Listed[];
beforeAll(async () => {
  federation = await SmallFederation.run();
  all = await listEntriesOf(federation.bundle);
});

describe('the entries of a bundle', () => {
  it('are listed log by log, each in its own order', () => {
    const origins = [...new Set(all.map(({ origin }) => origin))];
    expect(origins).toEqual([...origins].sort());
    for (const origin of origins) {
      const own = all.filter((one) => one.origin === origin);
      expect(own.map(({ index }) => index)).toEqual(own.map((_, i) => i));
    }
    expect(all.length).toBe([federation.hub, ...federation.logs.values()].reduce((sum, { size }) => sum + size, 0));
  });

  it('can be narrowed to a log, a type, a run and a site, and to all of them', async () => {
    const { bundle } = federation;
    const origin = federation.hub.origin;
    expect((await listEntriesOf(bundle, { origin })).every((one) => one.origin === origin)).toBe(true);
    expect(new Set((await listEntriesOf(bundle, { type: 'egress.sent' })).map(({ entry }) => entry.type))).toEqual(
      new Set(['egress.sent']),
    );
    const ofRun = await listEntriesOf(bundle, { run: RUN });
    expect(ofRun.every(({ entry }) => 'run' in entry && entry.run === RUN)).toBe(true);
    const narrow = { origin, type: 'update.committed', run: RUN, site: 'cluj' };
    expect(await listEntriesOf(bundle, narrow)).toHaveLength(2);
  });

  it('of a site are its own log and what the coordinator says of it', async () => {
    const ofSite = await listEntriesOf(federation.bundle, { site: 'delft' });
    const own = ofSite.filter(({ origin }) => origin === 'lung/site/delft/2026');
    expect(own).toHaveLength(federation.logs.get('delft' as never)!.size);
    expect(new Set(ofSite.filter((one) => !own.includes(one)).map(({ entry }) => entry.type))).toEqual(
      new Set([
        'site.admitted',
        'plan.decided',
        'site.joined',
        'update.committed',
        'evaluation.received',
        'site.checkpoint',
      ]),
    );
  });

  it('are none where nothing fits', async () => {
    expect(await listEntriesOf(federation.bundle, { site: 'oslo' })).toEqual([]);
  });
});

describe('an entry on one line', () => {
  it('tells its place, its time, its type and every field but the salt', () => {
    const offered = all.find(({ entry }) => entry.type === 'round.offered')!;
    const line = entryLine(offered);
    expect(line).toMatch(
      /^lung\/coordinator\/2026#\d+ {2}2026-03-02T\d\d:\d\d:\d\d\.000Z {2}round\.offered {2}attempt 1 {2}model [0-9a-f]{64}/,
    );
    expect(line).toContain('participants ["aarhus","berlin","cluj","delft"]');
    expect(line).not.toContain(offered.entry.salt);
  });
});
