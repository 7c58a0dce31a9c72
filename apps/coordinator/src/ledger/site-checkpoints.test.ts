import {
  coordinatorCosigner,
  COSIGNATURE,
  cosignaturesOf,
  MemoryStorage,
  parseCheckpointNote,
  signCheckpoint,
  siteOrigin,
  TileLog,
  verifierKey,
} from '@consilium/ledger';
import { Fault, ManualClock, utf8, type SiteName } from '@consilium/stdx';
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemorySiteLogs } from '../adapters/memory/ledger.js';
import { MemoryTables } from '../adapters/memory/stores.js';
import { COORDINATOR_KEY, keyOf, publicKeyOf, siteKey } from '../fixtures/keys.fixture.js';
import { alpha } from '../fixtures/plan.fixture.js';
import { eventOf, MemoryLedger } from './memory-ledger.js';
import { SiteCheckpoints } from './site-checkpoints.js';

/** A site's own log, and what it says of it. */
class OwnLog {
  private constructor(readonly tiles: TileLog) {}

  static open = async (shard = '2026', signer = siteKey(alpha)): Promise<OwnLog> =>
    new OwnLog(await TileLog.open({ origin: siteOrigin('demo', alpha, shard), signer, storage: new MemoryStorage() }));

  async grow(...entries: string[]): Promise<this> {
    await this.tiles.integrate(entries.map((entry) => utf8(entry)));
    return this;
  }

  says = (oldSize = 0) => ({
    note: Buffer.from(this.tiles.note),
    oldSize,
    consistency: this.tiles.consistencyProof(oldSize).map((hash) => Buffer.from(hash)),
  });
}

describe('the checkpoints of a site’s log', () => {
  let tables: MemoryTables;
  let ledger: MemoryLedger;
  let key: string | undefined;
  let desk: SiteCheckpoints;
  const open = (): SiteCheckpoints =>
    new SiteCheckpoints({
      federation: 'demo',
      signer: COORDINATOR_KEY,
      siteLogs: new MemorySiteLogs(tables.ledger),
      ledger,
      keyOf: () => key,
      clock: new ManualClock(Date.UTC(2026, 5, 1)),
      log: pino({ level: 'silent' }),
    });
  const told = () => [...tables.ledger.rows.map(eventOf), ...ledger.events];
  beforeEach(() => {
    tables = new MemoryTables();
    ledger = new MemoryLedger();
    key = publicKeyOf(siteKey(alpha));
    desk = open();
  });

  it('are cosigned and stored, each with its entry, from the last one on', async () => {
    const log = await (await OwnLog.open()).grow('a', 'b');
    const answer = await desk.consider(alpha, log.says());
    expect(answer).toMatchObject({ size: 2, knownSize: 2 });
    const { text } = parseCheckpointNote(log.tiles.note);
    const coordinator = verifierKey(coordinatorCosigner('demo'), COSIGNATURE, COORDINATOR_KEY.publicKey);
    expect(
      cosignaturesOf(text, [Buffer.from(answer.cosignature as Uint8Array).toString('utf8')], [coordinator]).size,
    ).toBe(1);
    await log.grow('c');
    expect(await desk.consider(alpha, log.says(2))).toMatchObject({ size: 3, knownSize: 3 });
    expect(told()).toMatchObject([
      { type: 'site.checkpoint', site: alpha, year: 2026, size: 2 },
      { type: 'site.checkpoint', site: alpha, year: 2026, size: 3 },
    ]);
    expect(await desk.latest(alpha)).toMatchObject({ size: 3, note: log.tiles.note });
  });

  it('are told again without a new entry when nothing has grown', async () => {
    const log = await (await OwnLog.open()).grow('a');
    await desk.consider(alpha, log.says());
    expect(await desk.consider(alpha, log.says(1))).toMatchObject({ size: 1, knownSize: 1 });
    expect(told()).toHaveLength(1);
  });

  it('are judged after a restart as before it', async () => {
    const log = await (await OwnLog.open()).grow('a', 'b');
    await desk.consider(alpha, log.says());
    desk = open();
    await log.grow('c');
    expect(await desk.consider(alpha, log.says(0))).toMatchObject({ knownSize: 2, code: 'LEDGER_PROOF_INVALID' });
    expect(await desk.consider(alpha, log.says(2))).toMatchObject({ size: 3, knownSize: 3 });
  });

  it('are refused where they tell another past, with an alert and the evidence of it, once', async () => {
    const log = await (await OwnLog.open()).grow('a', 'b');
    await desk.consider(alpha, log.says());
    const other = await (await OwnLog.open()).grow('a', 'x');
    for (let i = 0; i < 3; i++) {
      expect(await desk.consider(alpha, other.says(2))).toMatchObject({ code: 'LEDGER_FORKED', knownSize: 2 });
    }
    expect(told().slice(1)).toEqual([{ type: 'alert', kind: 'equivocation', site: alpha }]);
    // A larger log with another past cannot prove that it has ours.
    await other.grow('y');
    expect(await desk.consider(alpha, other.says(2))).toMatchObject({ code: 'LEDGER_PROOF_INVALID' });
    expect(told().at(-1)).toEqual({ type: 'alert', kind: 'integrity', site: alpha });
    expect(await desk.latest(alpha)).toMatchObject({ size: 2 });
  });

  it('that are smaller are refused, and in a greeting they show a restored copy', async () => {
    const log = await (await OwnLog.open()).grow('a');
    const old = log.says();
    await log.grow('b');
    await desk.consider(alpha, log.says());
    expect(await desk.consider(alpha, old)).toMatchObject({ code: 'LEDGER_ROLLED_BACK', knownSize: 2 });
    await desk.greeted(alpha, log.says().note);
    await desk.greeted(alpha, Buffer.alloc(0));
    expect(told()).toHaveLength(1);
    await desk.greeted(alpha, old.note);
    expect(told().at(-1)).toEqual({ type: 'alert', kind: 'rollback', site: alpha });
  });

  it('of a shard after a restore are taken, with an alert that auditors ask about', async () => {
    const log = await (await OwnLog.open()).grow('a', 'b');
    await desk.consider(alpha, log.says());
    const restored = await (await OwnLog.open('2026-2')).grow('a');
    expect(await desk.consider(alpha, restored.says())).toMatchObject({ size: 1, knownSize: 1 });
    expect(told().slice(1)).toMatchObject([
      { type: 'site.checkpoint', size: 1 },
      { type: 'alert', kind: 'rollback' },
    ]);
    expect(await desk.latest(alpha)).toMatchObject({ shard: '2026-2' });
  });

  it('are of the site that speaks, signed with its key of today, of a year that has come', async () => {
    const root = new Uint8Array(32);
    const said = (origin: string, signer = siteKey(alpha)) => ({
      note: Buffer.from(signCheckpoint({ origin, size: 1, root }, signer)),
      oldSize: 0,
      consistency: [],
    });
    for (const origin of [
      'demo/site/beta/2026',
      'demo/coordinator/2026',
      'demo/site/alpha/2029',
      'demo/site/alpha/x',
    ]) {
      await expect(desk.consider(alpha, said(origin))).rejects.toMatchObject({ code: 'LEDGER_SIGNATURE_INVALID' });
    }
    const forged = await desk.consider(alpha, said('demo/site/alpha/2026', keyOf('a thief')));
    expect(forged).toMatchObject({ code: 'LEDGER_SIGNATURE_INVALID' });
    await expect(desk.greeted(alpha, said('demo/site/alpha/2026', keyOf('a thief')).note)).rejects.toThrow(Fault);
    const long = { note: Buffer.alloc(20_000, 'a'), oldSize: 0, consistency: [] };
    await expect(desk.consider(alpha, long)).rejects.toMatchObject({ code: 'LEDGER_NOTE_INVALID' });
    key = undefined;
    await expect(desk.consider(alpha, said('demo/site/alpha/2026'))).rejects.toMatchObject({
      code: 'SITE_NOT_ENROLLED',
    });
    expect(told()).toEqual([]);
  });

  it('go on under a new key after the site was rekeyed', async () => {
    const log = await (await OwnLog.open()).grow('a');
    await desk.consider(alpha, log.says());
    const rekeyed = await (await OwnLog.open('2026', keyOf('rekeyed'))).grow('a', 'b');
    key = publicKeyOf(keyOf('rekeyed'));
    expect(await desk.consider(alpha, rekeyed.says(1))).toMatchObject({ size: 2, knownSize: 2 });
    expect(await desk.consider(alpha, (await log.grow('b')).says(2))).toMatchObject({
      code: 'LEDGER_SIGNATURE_INVALID',
    });
  });

  it('are not cosigned when they could not be stored', async () => {
    ledger.trouble = new Fault('DISK_FULL');
    const log = await (await OwnLog.open()).grow('a');
    await expect(desk.consider(alpha, log.says())).rejects.toMatchObject({ code: 'DISK_FULL' });
    ledger.trouble = undefined;
    expect(await desk.consider(alpha, log.says())).toMatchObject({ knownSize: 1 });
  });

  it('of a site without any are none', async () => {
    expect(await desk.latest('constructor' as SiteName)).toBeUndefined();
  });
});
