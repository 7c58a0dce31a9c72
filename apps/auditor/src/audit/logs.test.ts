import { coordinatorOrigin, decodeEntryBundle, MemoryStorage, TileLog } from '@consilium/ledger';
import { toHex, type Digest, type SiteName } from '@consilium/stdx';
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { logFolder, MemoryBundle, type Bundle } from '../bundle/bundle.js';
import { SmallFederation } from '../testing/federation.fixture.js';
import { flipped } from '../testing/flips.fixture.js';
import { LogWriter } from '../testing/log.fixture.js';
import { FEDERATION } from '../testing/parties.fixture.js';
import { audit } from './audit.js';
import { nodeTools } from './tools.js';

const SMALLEST = {
  sites: ['aarhus', 'berlin', 'cluj'],
  plan: { rounds: { count: 1, minSites: 2, deadlineSeconds: 600 } },
};
const READ = { type: 'audit.read', person: 'person-auditor000000', page: 'entries' } as const;

let federation: SmallFederation;
beforeAll(async () => void (federation = await SmallFederation.run(SMALLEST)));

const tools = nodeTools();
const auditOf = (bundle: Bundle) => audit(bundle, federation.parties.policy, tools);
const codesOf = async (bundle: Bundle): Promise<string[]> => (await auditOf(bundle)).findings.map(({ code }) => code);

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const typeOf = (entry: Uint8Array): string => (JSON.parse(new TextDecoder().decode(entry)) as { type: string }).type;

/** The entries of a log that fits into one bundle of entries, as bytes. */
async function entriesOf({ storage, size }: LogWriter<'site'>): Promise<readonly Uint8Array[]> {
  return decodeEntryBundle((await storage.read(`tile/entries/000.p/${size}`))!, size);
}

/** The bundle with more files, and without those whose path begins so. */
async function withFiles(more: Iterable<readonly [string, Uint8Array]>, without = '!'): Promise<Bundle> {
  const { bundle } = federation;
  const kept = bundle.paths.filter((path) => !path.startsWith(without));
  const files = await Promise.all(kept.map(async (path) => [path, (await bundle.read(path))!] as const));
  return new MemoryBundle(new Map([...files, ...more]));
}

describe('a log of several tiles', () => {
  it('is read whole, full tiles and partial ones, and a bit in any of them is missed by nobody', async () => {
    const busy = await SmallFederation.run(SMALLEST);
    for (let i = 0; i < 600; i++) busy.hub.record(READ);
    await busy.settle();
    const { bundle, parties } = busy;
    const tiles = bundle.paths.filter((path) => path.includes('coordinator') && path.includes('tile'));
    expect(tiles.map((path) => path.split('/tile/')[1])).toEqual(
      expect.arrayContaining(['0/000', '0/001', 'entries/000', 'entries/001', expect.stringMatching(/^1\/000\.p\/2$/)]),
    );
    const report = await audit(bundle, parties.policy, tools);
    expect(report.findings).toEqual([]);
    for (const path of tiles) {
      const found = await audit(await flipped(bundle, { path, bit: 77 }), parties.policy, tools);
      expect(
        found.findings.map(({ code }) => code),
        path,
      ).toContain('LEDGER_CORRUPT');
    }
  });
});

describe('a coordinator’s log over the turn of a year', () => {
  const next = async (opening: object, part = '2027'): Promise<readonly (readonly [string, Uint8Array])[]> => {
    const { hub, parties, clock } = federation;
    const origin = coordinatorOrigin(FEDERATION, part);
    const predecessor = { size: hub.size, root: hub.rootAt(hub.size) };
    const log = await LogWriter.open('coordinator', origin, parties.coordinator, clock, undefined, {
      predecessor,
      reason: 'year',
      ...opening,
    });
    log.record(READ);
    await log.checkpoint();
    return [...log.storage.files].map(([path, bytes]) => [logFolder(origin) + path, bytes] as const);
  };

  it('is one history: the run of the old year is audited together with the new year’s entries', async () => {
    const report = await auditOf(await withFiles(await next({})));
    expect(report.findings).toEqual([]);
    expect(report.summary.logs.map(({ origin }) => origin)).toContain('lung/coordinator/2027');
    expect(report.summary.runs).toHaveLength(1);
  });

  it('is broken where the new year forgets the end of the old', async () => {
    const early = { size: 5, root: federation.hub.rootAt(5) };
    expect(await codesOf(await withFiles(await next({ predecessor: early })))).toEqual(['SHARD_BROKEN']);
  });

  it('is incomplete without the old year', async () => {
    const codes = await codesOf(await withFiles(await next({}), logFolder('lung/coordinator/2026')));
    expect(codes).toContain('LOG_MISSING');
  });

  it('tells of a restore and of what was lost', async () => {
    const restored = await next({ reason: 'restore', lost: 2 }, '2026-2');
    expect(await codesOf(await withFiles(restored))).toEqual(['LOG_RESTORED']);
  });

  it('is of another year than its name says: refused', async () => {
    const codes = await codesOf(await withFiles(await next({ year: 2031 })));
    expect(codes).toContain('LEDGER_CORRUPT');
  });
});

describe('a site’s log that was restored from a copy older than its approval', () => {
  /** The copy, and the log with which the site then goes on, saying that it gave up so many entries. */
  async function restored(lost: number): Promise<Bundle> {
    const log = federation.logs.get('aarhus' as SiteName)!;
    const entries = await entriesOf(log);
    const kept = entries.slice(0, entries.map(typeOf).indexOf('plan.approved'));
    const storage = new MemoryStorage();
    const { signer, origin } = log;
    const copy = await TileLog.open({ origin, signer, storage, hash: sha256 });
    await copy.integrate(kept);
    const predecessor = { size: copy.size, root: toHex(copy.rootAt(copy.size)) as Digest };
    const opening = { reason: 'restore', predecessor, lost } as const;
    const next = await LogWriter.open('site', `${origin}-2`, signer, federation.clock, undefined, opening);
    await next.checkpoint();
    const inFolder = (of: string, { files }: MemoryStorage) =>
      [...files].map(([path, bytes]) => [logFolder(of) + path, bytes] as const);
    const files = [...inFolder(origin, storage), ...inFolder(next.origin, next.storage)];
    return withFiles(files, logFolder(origin));
  }

  it('leaves open what the lost entries said, and accuses nobody', async () => {
    const log = federation.logs.get('aarhus' as SiteName)!;
    expect(await codesOf(await restored(log.size))).toEqual(['LOG_RESTORED']);
  });

  it('is one from which entries were taken away, where it says that none were lost', async () => {
    const codes = await codesOf(await restored(0));
    expect(codes).toEqual(expect.arrayContaining(['LOG_BEHIND', 'DECISION_DIFFERS', 'UPDATE_NOT_SENT']));
    expect(codes).not.toContain('LOG_RESTORED');
  });
});

describe('a log that is not of this federation', () => {
  it.each(['heart/coordinator/2026', 'lung/site/oslo/2026', 'nonsense'])('is unknown: %s', async (origin) => {
    const log = await LogWriter.open(
      'coordinator',
      'lung/coordinator/2026',
      federation.parties.coordinator,
      federation.clock,
    );
    await log.checkpoint();
    const files = [...log.storage.files].map(([path, bytes]) => [`logs/${origin}/${path}`, bytes] as const);
    const codes = await codesOf(await withFiles(files));
    expect(codes[0]).toBe('LOG_UNKNOWN');
  });

  it('is refused under the name of another one', async () => {
    const [aarhus, berlin] = [...federation.logs.values()];
    const files = [...berlin!.storage.files].map(([path, bytes]) => [logFolder(aarhus!.origin) + path, bytes] as const);
    const codes = await codesOf(await withFiles(files, logFolder(aarhus!.origin)));
    expect(codes).toContain('LEDGER_SIGNATURE_INVALID');
  });
});
