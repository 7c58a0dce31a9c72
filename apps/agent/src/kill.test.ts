import { DurableLog, MemoryFiles } from '@consilium/archive';
import type { LogStorage, SiteEvent } from '@consilium/ledger';
import { Fault } from '@consilium/stdx';
import { encodeSafetensors } from '@consilium/weights';
import { describe, expect, it } from 'vitest';
import { AutoApprovals } from './approvals.js';
import { Guard } from './guard.js';
import { HubLog } from './hub-log.fixture.js';
import { ACCEPTED, FEDERATION, keyOf, SITES } from './keys.fixture.js';
import { approvedEvents, MemoryDocuments } from './ledger.fixture.js';
import { SiteLedger } from './ledger/site-ledger.js';
import { ModelSource } from './models.js';
import type { RoundOffer } from './offers.js';
import { Permits } from './permits.js';
import { contribute, type Hospital } from './pipeline.js';
import { changed, KEY, modelOf, planOf, roundOffer, SITE } from './plan.fixture.js';
import type { Contribution } from './statement.js';
import { Tally } from './tally.js';
import { clockAt, MemoryTrainer, MemoryUplink } from './twins.fixture.js';
import { CoordinatorWitness } from './witness.js';

/** The power goes off: what this write was about may or may not be on the disk, and nothing runs after it. */
class PowerCut extends Error {}

/** Files in memory of which the n-th step from now on is the last: before it happened, or just after. */
class FailingFiles extends MemoryFiles {
  left = Infinity;
  torn: 'before' | 'after' = 'before';
  writes = 0;

  async step<T>(work: () => Promise<T>): Promise<T> {
    this.writes += 1;
    if (this.left < 0) throw new PowerCut();
    this.left -= 1;
    if (this.left >= 0) return work();
    if (this.torn === 'after') await work();
    throw new PowerCut();
  }

  override write = (path: string, bytes: Uint8Array): Promise<void> => this.step(() => super.write(path, bytes));
  override append = (path: string, length: number, bytes: Uint8Array): Promise<void> =>
    this.step(() => super.append(path, length, bytes));
  override within(folder: string): LogStorage {
    const { read, remove } = super.within(folder);
    return { read, write: (path, bytes) => this.write(`${folder}/${path}`, bytes), ...(remove && { remove }) };
  }
}

const plan = planOf();
const FIRST = approvedEvents(new MemoryDocuments(), plan);

/** A trainer of an engine that never gives the same bits twice: only what was kept can be sent twice. */
class RestlessTrainer extends MemoryTrainer {
  static times = 0;
  override async train(...args: Parameters<MemoryTrainer['train']>) {
    const trained = await super.train(...args);
    const shift = ++RestlessTrainer.times / 1000;
    return { ...trained, weights: changed(trained.weights, (value) => value + shift) };
  }
}

/** The disk of one site, and its agent, which may be started on it as often as it dies. */
class Site {
  readonly files = new FailingFiles();
  readonly documents = new MemoryDocuments();
  readonly outbox = new Map<string, Contribution>();
  readonly uplink = new MemoryUplink();
  readonly cosigned: string[] = [];

  /** Starts on what is on the disk, is asked to witness and to train, and dies when the power goes off. */
  async live(hub: HubLog, offer: RoundOffer): Promise<SiteLedger | undefined> {
    try {
      const { ledger, witness, hospital } = await this.#start();
      const { cosignature, knownSize } = await witness.consider(hub.request(ledger.watched.last?.size ?? 0));
      if (cosignature) this.cosigned.push(cosignature);
      expect(knownSize).toBe(hub.size);
      await contribute(offer, hospital, new AbortController().signal, () => {});
      return ledger;
    } catch (error) {
      const cut = error instanceof PowerCut || (Fault.is(error) && error.cause instanceof PowerCut);
      if (!cut) throw error;
      return undefined;
    }
  }

  async #start() {
    const clock = clockAt();
    const log = await DurableLog.over(this.files, {
      kind: 'site',
      origin: `${FEDERATION}/site/${SITE}`,
      signer: KEY,
      clock,
    });
    const past: SiteEvent[] = [];
    for await (const entry of log.entries()) past.push(entry);
    const { files, documents } = this;
    const kept = {
      put: (bytes: Uint8Array) => files.step(() => documents.put(bytes)),
      get: documents.get.bind(documents),
    };
    const ledger = new SiteLedger(log, kept, past);
    approvedEvents(this.documents, plan);
    for (const event of FIRST) if (!past.some(({ type }) => type === event.type)) await ledger.write(event);
    const rosters = { current: ACCEPTED };
    const permits = new Permits({ ledger, rosters, approvals: new AutoApprovals(KEY), clock });
    const uplink = new MemoryUplink();
    uplink.upload = (header, bytes) => files.step(() => this.uplink.upload(header, bytes));
    const guard = new Guard({ ledger, permits, tally: new Tally(ledger), uplink, signing: KEY.publicKey });
    const models = new ModelSource(async () => encodeSafetensors(modelOf(plan)));
    const witness = new CoordinatorWitness({
      site: SITE,
      federation: FEDERATION,
      key: KEY,
      ledger,
      rosters,
      clock,
      notes: this.files,
    });
    const outbox: Hospital['outbox'] = {
      keep: (one: Contribution) => files.step(async () => void this.outbox.set(one.sha256, one)),
      recall: async (sha256: string) => this.outbox.get(sha256)!,
    };
    const datasets = { 'lung-nodule': '/data' };
    const trainer = new RestlessTrainer();
    const hospital: Hospital = { site: SITE, datasets, permits, ledger, models, trainer, outbox, key: KEY, guard };
    return { ledger, witness, hospital };
  }
}

const OTHER_MODEL = 'f'.repeat(64) as RoundOffer['modelDigest'];

describe('an agent whose power goes off at any step that others can see', () => {
  it('starts again with the same state, cosigns one past, and gives the round one value', async () => {
    const hub = new HubLog();
    const offer = roundOffer(plan, {}, hub);
    const unharmed = new Site();
    expect(await unharmed.live(hub, offer)).toBeDefined();
    const writes = unharmed.files.writes;
    expect(writes).toBeGreaterThan(8);

    for (let n = 0; n < writes; n++) {
      for (const torn of ['before', 'after'] as const) {
        const site = new Site();
        Object.assign(site.files, { left: n, torn });
        expect(await site.live(hub, offer)).toBeUndefined();
        site.files.left = Infinity;
        const ledger = await site.live(hub, offer);
        const values = new Set(site.uplink.uploads.map(({ header }) => header.sha256));
        expect(values.size, `step ${n}, ${torn}`).toBe(1);
        expect(ledger!.rounds.signed(offer.run, 1)?.sha256).toBe([...values][0]);
        expect(ledger!.watched.last).toMatchObject({ size: hub.size });
        expect(() => ledger!.rounds.requireOpen(offer.run, 1, OTHER_MODEL)).toThrow();
        await replaysTheSame(site, ledger!);
      }
    }
  }, 120_000);

  /** What the next start would remember is what this one does. */
  async function replaysTheSame(site: Site, ledger: SiteLedger): Promise<void> {
    const log = await DurableLog.over(site.files, {
      kind: 'site',
      origin: `${FEDERATION}/site/${SITE}`,
      signer: KEY,
      clock: clockAt(),
    });
    const past: SiteEvent[] = [];
    for await (const entry of log.entries()) past.push(entry);
    const again = new SiteLedger(log, site.documents, past);
    expect(again.runs.all()).toEqual(ledger.runs.all());
    expect(again.rounds).toEqual(ledger.rounds);
    expect([again.watched.last, again.watched.refused]).toEqual([ledger.watched.last, ledger.watched.refused]);
  }

  it('would be caught by these tests if it trained again instead of sending what it kept', async () => {
    const hub = new HubLog();
    const offer = roundOffer(plan, {}, hub);
    const site = new Site();
    await site.live(hub, offer);
    // An agent that forgot what it signed: its log is gone.
    site.files.files.clear();
    await site.live(hub, offer);
    expect(new Set(site.uplink.uploads.map(({ header }) => header.sha256)).size).toBe(2);
  });
});

describe('a coordinator that forks its log', () => {
  it('finishes a round on neither branch: no checkpoint of both gets a quorum', async () => {
    const trunk = new HubLog();
    const branches = [trunk.fork(), trunk.fork()].map((log, i) => {
      const offer = roundOffer(plan, i === 0 ? {} : { modelDigest: OTHER_MODEL }, log);
      return { log, offer };
    });
    /** A site that is shown one branch only, as a witness without a log on disk. */
    const shown = async (name: string, { log }: (typeof branches)[number]) => {
      const ledger = new SiteLedger({ record: async () => {} }, new MemoryDocuments());
      const key = keyOf(name);
      const notes = new MemoryFiles();
      const rosters = { current: ACCEPTED };
      const witness = new CoordinatorWitness({
        site: name as typeof SITE,
        federation: FEDERATION,
        key,
        ledger,
        rosters,
        clock: clockAt(),
        notes,
      });
      expect((await witness.consider(log.request())).code).toBeNull();
      return { ledger, name };
    };
    const { requireWitnessedOffer } = await import('./evidence.js');
    const halves = [SITES.slice(0, 2), SITES.slice(2)];
    for (const [i, branch] of branches.entries()) {
      const sites = await Promise.all(halves[i]!.map((name) => shown(name, branch)));
      const offer = { ...branch.offer, evidence: branch.log.evidence(1, halves[i]) };
      for (const { ledger, name } of sites) {
        expect(() =>
          requireWitnessedOffer(offer, { site: name as typeof SITE, plan, watched: ledger.watched }),
        ).toThrow(expect.objectContaining({ code: 'LEDGER_NOT_WITNESSED' }));
      }
    }
    // With one history for all, the same sites accept it.
    const all = await Promise.all(SITES.map((name) => shown(name, branches[0]!)));
    const offer = { ...branches[0]!.offer, evidence: branches[0]!.log.evidence(1, SITES.slice(0, 3)) };
    for (const { ledger, name } of all) {
      expect(requireWitnessedOffer(offer, { site: name as typeof SITE, plan, watched: ledger.watched }).size).toBe(2);
    }
  });
});
