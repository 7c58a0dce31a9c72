import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ManualClock, type Digest, type SiteName } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import { audit } from '../audit/audit.js';
import { nodeTools } from '../audit/tools.js';
import { SmallFederation } from '../testing/federation.fixture.js';
import { LogWriter } from '../testing/log.fixture.js';
import { newFolder, writeFiles, writeState } from '../testing/state.fixture.js';
import { pathOn, type Shelf } from './bundle.js';
import { FolderBundle, writeBundle } from './folder.js';
import { gather } from './gather.js';
import type { Source } from './source.js';
import { stateSources } from './state-source.js';

let federation: SmallFederation;
beforeAll(async () => void (federation = await SmallFederation.run()));

const verdictOf = async (bundle: Parameters<typeof audit>[0], of = federation) =>
  audit(bundle, of.parties.policy, nodeTools());
/** A clock whose timers fire at once. */
const hasty = { after: (_ms: number, callback: () => void) => (setImmediate(callback), () => {}) };

/** Sources in memory whose logs can be swapped for later ones between two reads. */
function memorySources(of: SmallFederation, logOf: (origin: string, path: string) => Uint8Array | undefined): Source[] {
  return [of.hub, ...of.logs.values()].map(({ origin }) => ({
    logs: async () => [{ read: async (path: string) => logOf(origin, path) }],
    file: async (shelf: Shelf, digest: Digest) => of.files.get(pathOn(shelf, digest)),
  }));
}

const filesOfLog = (of: SmallFederation): Map<string, Map<string, Uint8Array>> =>
  new Map([of.hub, ...of.logs.values()].map(({ origin, storage }) => [origin, new Map(storage.files)]));

describe('evidence from state directories', () => {
  it('makes the same bundle as the federation has, and the audit of it passes', async () => {
    const folder = await newFolder();
    await writeState(federation, folder);
    const bundle = await gather(await stateSources(folder), hasty);
    expect(bundle.paths).toEqual(federation.bundle.paths);
    expect((await verdictOf(bundle)).findings).toEqual([]);
  });

  it('never has a key, a setting or a database in it', async () => {
    const folder = await newFolder();
    await writeState(federation, join(folder, 'state'));
    const bundle = await gather(await stateSources(join(folder, 'state')), hasty);
    await writeBundle(bundle, join(folder, 'bundle'));
    const all = await readdir(join(folder, 'bundle'), { recursive: true, withFileTypes: true });
    const files = all.filter((entry) => entry.isFile());
    expect(files.length).toBe(bundle.paths.length);
    for (const file of files) {
      expect(await readFile(join(file.parentPath, file.name), 'latin1')).not.toContain('SECRET');
      expect(file.name).not.toMatch(/key|settings|rows/);
    }
  });

  it('is found in one participant’s own state directory, and the rest is told as missing', async () => {
    const folder = await newFolder();
    await writeState(federation, folder);
    const bundle = await gather(await stateSources(join(folder, 'sites', 'berlin', 'state')), hasty);
    expect(bundle.paths.every((path) => path.startsWith('logs/lung/site/berlin/'))).toBe(true);
    const { findings } = await verdictOf(bundle);
    expect(findings.map(({ code }) => code)).toEqual(Array(4).fill('LOG_MISSING'));
  });

  it('is NOT_FOUND where no log is', async () => {
    const folder = await newFolder();
    await writeFiles(folder, [['ledger/readme', 'no shard']]);
    await expect(stateSources(folder)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(stateSources(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('leaves a dataset’s document with its exact counts at the site', async () => {
    const folder = await newFolder();
    await writeState(federation, folder);
    const [[site, dataset]] = federation.datasets as Iterable<[SiteName, Digest]> as [[SiteName, Digest]];
    await writeFiles(join(folder, 'sites', site, 'state'), [[pathOn('document', dataset), '{"patients":37}']]);
    const bundle = await gather(await stateSources(folder), hasty);
    expect(bundle.paths).not.toContain(pathOn('document', dataset));
    expect(bundle.paths).toEqual(federation.bundle.paths);
  });
});

describe('evidence of a federation that goes on working', () => {
  it('is read again until no log is behind what another one says of it', async () => {
    const live = await SmallFederation.run();
    const before = filesOfLog(live);
    live.hub.record({ type: 'audit.read', person: 'person-auditor000000', page: 'report' });
    await live.settle();
    const after = filesOfLog(live);
    // The coordinator's log is read first, as it was; the sites' a moment later. Then the coordinator's is behind.
    let reads = 0;
    const sources = memorySources(live, (origin, path) => {
      const early = origin === live.hub.origin && path === 'checkpoint' && reads++ === 0;
      return (early ? before : after).get(origin)!.get(path);
    });
    const bundle = await gather(sources, hasty);
    expect(reads).toBeGreaterThan(1);
    expect((await verdictOf(bundle, live)).findings).toEqual([]);
  });

  it('is written as it is when a log stays behind, and the audit names it', async () => {
    const live = await SmallFederation.run();
    const before = filesOfLog(live);
    live.hub.record({ type: 'audit.read', person: 'person-auditor000000', page: 'report' });
    await live.settle();
    const after = filesOfLog(live);
    const stuck = memorySources(live, (origin, path) =>
      (origin === live.hub.origin ? before : after).get(origin)!.get(path),
    );
    const clock = new ManualClock();
    let waits = 0;
    const after0 = (ms: number, callback: () => void) => {
      waits++;
      setImmediate(callback);
      return clock.after(ms, () => {});
    };
    const report = await verdictOf(await gather(stuck, { after: after0 }), live);
    expect(waits).toBe(50);
    expect([...new Set(report.findings.map(({ code }) => code))]).toEqual(['LOG_BEHIND']);
  });

  it('waits for a site’s log to say what the coordinator counted', async () => {
    const live = await SmallFederation.run();
    const { origin: own } = [...live.logs.values()][0]!;
    const whole = filesOfLog(live);
    // The site has sent its update, and no checkpoint of its log covers it yet.
    const young = await LogWriter.open('site', own, live.parties.sites.get('aarhus' as SiteName)!.key, live.clock);
    await young.checkpoint();
    let reads = 0;
    const sources = memorySources(live, (origin, path) => {
      if (origin === own && path === 'checkpoint') reads++;
      return (origin === own && reads <= 2 ? young.storage.files : whole.get(origin)!).get(path);
    });
    expect((await verdictOf(await gather(sources, hasty), live)).findings).toEqual([]);
    expect(reads).toBe(3);
  });

  it('prefers the longer of two copies of one log', async () => {
    const live = await SmallFederation.run();
    const before = filesOfLog(live);
    live.hub.record({ type: 'audit.read', person: 'person-auditor000000', page: 'report' });
    await live.settle();
    const old = memorySources(live, (origin, path) => before.get(origin)!.get(path));
    const now = memorySources(live, (origin, path) => filesOfLog(live).get(origin)!.get(path));
    for (const sources of [
      [...old, ...now],
      [...now, ...old],
    ]) {
      const bundle = await gather(sources, hasty);
      expect((await verdictOf(bundle, live)).findings).toEqual([]);
    }
  });
});

describe('a bundle in a folder', () => {
  it('is written once: a folder with something in it is refused', async () => {
    const folder = await newFolder();
    await writeBundle(federation.bundle, join(folder, 'bundle'));
    await expect(writeBundle(federation.bundle, join(folder, 'bundle'))).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    });
  });

  it('is read back as it was, and known by its logs', async () => {
    const folder = await newFolder();
    await writeBundle(federation.bundle, folder);
    const bundle = await FolderBundle.open(folder);
    expect(bundle.paths).toEqual(federation.bundle.paths);
    for (const path of bundle.paths)
      expect(await bundle.read(path)).toEqual(Buffer.from((await federation.bundle.read(path))!));
    expect(await FolderBundle.isOne(folder)).toBe(true);
    expect(await FolderBundle.isOne(join(folder, 'documents'))).toBe(false);
  });

  it('lists a link and has no bytes of it, so that nothing outside is read', async () => {
    const folder = await newFolder();
    await writeFiles(folder, [['outside', 'secret']]);
    await writeFiles(join(folder, 'bundle'), [['documents/a.json', '{}']]);
    const { symlink } = await import('node:fs/promises');
    await symlink(join(folder, 'outside'), join(folder, 'bundle', 'documents', 'b.json'));
    const bundle = await FolderBundle.open(join(folder, 'bundle'));
    expect(bundle.paths).toEqual(['documents/a.json', 'documents/b.json']);
    expect(await bundle.read('documents/b.json')).toBeUndefined();
  });

  it('is NOT_FOUND where there is no folder', async () => {
    const folder = await newFolder();
    await expect(FolderBundle.open(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
