import { isExamples } from '@consilium/aggregation';
import { Fault, type Code, type Digest, type RunId, type SiteName } from '@consilium/stdx';
import { safetensorsByteLength } from '@consilium/weights';
import type { UpdateHeader, UpdateStateInit, UploadReceiptInit } from '@consilium/wire';
import type { SpoolSlot } from '../ports.js';
import type { UpdateRecord } from '../records.js';
import type { ActiveRun, RoundKey } from '../runs/active-run.js';
import type { Conductor } from '../runs/conductor.js';
import { isMeasured, owesUpdate } from '../runs/offers.js';
import { SerialQueue } from '../runs/queue.js';
import type { RunWorld } from '../runs/world.js';
import { abortable } from './abortable.js';
import { counted } from './counted.js';
import { readMetrics } from './metrics-in.js';
import { NO_METRICS } from '../metrics.js';
import { requireStatement } from './statements.js';

/** An update that must not count, by its own fault: its site is dropped from the round. Anything else may be sent again. */
const REFUSALS: ReadonlySet<Code> = new Set([
  'SAFETENSORS_MALFORMED',
  'WEIGHTS_MISMATCH',
  'UPDATE_NOT_FINITE',
  'UPDATE_NORM_EXCEEDED',
]);

/** An announced update in the run, round and slot that it is for. */
interface Announced {
  readonly active: ActiveRun;
  readonly key: RoundKey;
  readonly slot: SpoolSlot;
  readonly site: SiteName;
  readonly header: UpdateHeader;
}

/**
 * From an upload to a committed update. An update counts only when all announced bytes are on disk, have the announced
 * SHA-256 and were admitted, and then exactly once: repeating any part of this is harmless. The end of a stream means
 * nothing, for a cancelled one ends like a complete one.
 */
export class Intake {
  readonly #uploads = new Map<string, { abort: AbortController; done: Promise<unknown> }>();
  /** One whole update in memory at a time, however many come at once. */
  readonly #admissions = new SerialQueue();

  constructor(
    private readonly conductor: Conductor,
    private readonly world: RunWorld,
  ) {}

  async query(site: SiteName, header: UpdateHeader): Promise<UpdateStateInit> {
    if (await this.#isCommitted(site, header)) return { received: header.length, committed: true };
    const { slot } = this.#announced(site, header);
    return { received: Math.min(await this.world.spool.received(slot), header.length), committed: false };
  }

  /** Faults, beside those of the bytes: UPDATE_STATEMENT_INVALID, and what keeps the ledger from being written. */
  async upload(site: SiteName, header: UpdateHeader, chunks: AsyncIterable<Uint8Array>): Promise<UploadReceiptInit> {
    return this.#alone(`${header.round?.run}/${site}`, async (signal) => {
      // Asked only now: the upload that this one replaces may just have been committed.
      if (await this.#isCommitted(site, header)) return { sha256: header.sha256, duplicate: true };
      const { trouble } = this.world.ledger;
      if (trouble) throw trouble;
      const announced = this.#announced(site, header);
      await requireStatement(site, header, announced.active.terms, this.world.evidence);
      try {
        await this.#receive(announced, abortable(chunks, signal));
        await this.#admit(announced);
        return await this.#commit(announced);
      } catch (error) {
        // A round that closed meanwhile took the slot away, which is what the site should be told.
        if (!Fault.is(error) || error.code === 'NOT_FOUND') requireOwed(announced);
        throw error;
      }
    });
  }

  /** A site has one upload per round at a time; a newer one ends the older one, whose connection is usually dead. */
  async #alone<T>(key: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let older = this.#uploads.get(key); older; older = this.#uploads.get(key)) {
      older.abort.abort();
      await older.done;
    }
    const abort = new AbortController();
    const result = work(abort.signal);
    const entry = { abort, done: result.then(noop, noop) };
    this.#uploads.set(key, entry);
    try {
      return await result;
    } finally {
      if (this.#uploads.get(key) === entry) this.#uploads.delete(key);
    }
  }

  async #receive({ active, slot, site, header }: Announced, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const { spool } = this.world;
    if (header.offset > (await spool.received(slot))) throw new Fault('REQUEST_INVALID', { field: 'header.offset' });
    const received = await spool.receive(
      slot,
      header.offset,
      counted(chunks, (bytes) => active.sawBytes(site, 'up', bytes)),
    );
    if (received.length !== header.length) {
      throw new Fault('UPDATE_TRUNCATED', { expectedBytes: header.length, cameBytes: received.length });
    }
    if (received.sha256 !== slot.sha256) {
      await spool.drop(slot);
      throw new Fault('UPDATE_DIGEST_MISMATCH');
    }
  }

  async #admit({ active, key, slot, site }: Announced): Promise<void> {
    const { spool, arithmetic, observer, log } = this.world;
    const { plan, manifest } = active.terms;
    const terms = { manifest, normBound: plan.aggregation.normBound };
    try {
      await this.#admissions.run(async () => arithmetic.admit(await spool.read(slot), terms));
    } catch (error) {
      if (!Fault.is(error) || !REFUSALS.has(error.code)) throw error;
      log.warn({ run: slot.run, round: slot.round, attempt: slot.attempt, site, err: error }, 'update refused');
      observer.updateRefused(error.code);
      await active.feedRound(key, { type: 'site-dropped', site, reason: 'update-refused' });
      await spool.drop(slot);
      throw error;
    }
  }

  async #commit(announced: Announced): Promise<UploadReceiptInit> {
    const { active, key, slot, site, header } = announced;
    const { spool, ledger, clock, observer, log } = this.world;
    await spool.keep(slot);
    await this.#retain(announced);
    const statement = await ledger.document(header.statement);
    const update: UpdateRecord = {
      run: slot.run,
      ...key,
      site,
      sha256: slot.sha256,
      length: header.length,
      examples: header.examples,
      loss: Number.isFinite(header.loss) ? header.loss : null,
      metrics: isMeasured(active.terms.plan, key.number) ? readMetrics(header.metrics) : NO_METRICS,
      committedMs: clock.now(),
    };
    const fed = await active.feedRound(key, { type: 'update-committed', site }, { update, statement });
    if (fed !== 'accepted') {
      if (await this.#isCommitted(site, header)) return { sha256: header.sha256, duplicate: true };
      await spool.drop(slot);
      throw new Fault('ROUND_TRANSITION_REFUSED', { round: slot.round, attempt: slot.attempt });
    }
    observer.updateCommitted();
    log.info(
      { run: slot.run, round: slot.round, attempt: slot.attempt, site, bytes: header.length },
      'update committed',
    );
    return { sha256: header.sha256, duplicate: false };
  }

  /** An auditor who is to compute the model again needs every update; it is durable before it counts. */
  async #retain({ active, slot }: Announced): Promise<void> {
    const { retained, spool } = this.world;
    if (!active.terms.plan.audit.retainUpdates) return;
    await this.#admissions.run(async () => retained.put(await spool.read(slot)));
  }

  /** Whether exactly this update counts already; UPDATE_CONFLICT when another one of the site does. */
  async #isCommitted(site: SiteName, { round, sha256 }: UpdateHeader): Promise<boolean> {
    if (!round) throw new Fault('MESSAGE_MALFORMED', { field: 'header.round' });
    const { run, round: number, attempt } = round;
    const active = this.conductor.find(run as RunId);
    const committed = active?.isCurrent({ number, attempt })
      ? active.updateOf(site)
      : await this.world.runs.findUpdate(run as RunId, number, attempt, site);
    if (committed && committed.sha256 !== sha256) throw new Fault('UPDATE_CONFLICT', { round: number, attempt });
    return committed !== undefined;
  }

  #announced(site: SiteName, header: UpdateHeader): Announced {
    if (!header.round) throw new Fault('MESSAGE_MALFORMED', { field: 'header.round' });
    const { run, round, attempt } = header.round;
    const active = this.conductor.find(run as RunId);
    if (!active) throw new Fault('NOT_FOUND', { run });
    const slot = { run: run as RunId, round, attempt, site, sha256: header.sha256 as Digest };
    const announced = { active, key: { number: round, attempt }, slot, site, header };
    requireOwed(announced);
    requireFitting(announced);
    return announced;
  }
}

/** The round is open and waits for this site. */
function requireOwed({ active, key, site }: Announced): void {
  if (!active.terms.plan.sites.includes(site)) throw new Fault('SITE_NOT_IN_PLAN');
  const { round } = active.course;
  if (!round || !active.isCurrent(key) || round.state.phase !== 'reporting') {
    throw new Fault('ROUND_TRANSITION_REFUSED', { round: key.number, attempt: key.attempt });
  }
  if (!owesUpdate(site, round)) throw new Fault('NOT_A_PARTICIPANT', { round: key.number, attempt: key.attempt });
}

/** The header speaks of this plan and model, and announces something that can be right. */
function requireFitting({ active, header }: Announced): void {
  const { record, manifest } = active.terms;
  if (header.planDigest !== record.digest) throw new Fault('REQUEST_INVALID', { field: 'header.planDigest' });
  if (header.modelDigest !== active.course.round?.baseDigest) {
    throw new Fault('REQUEST_INVALID', { field: 'header.modelDigest' });
  }
  if (!isExamples(header.examples)) throw new Fault('REQUEST_INVALID', { field: 'header.examples' });
  const bytesMax = safetensorsByteLength(manifest);
  if (header.length > bytesMax)
    throw new Fault('UPDATE_TOO_LARGE', { expectedBytes: bytesMax, cameBytes: header.length });
}

const noop = (): void => {};
