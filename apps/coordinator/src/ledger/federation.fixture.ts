import {
  requireEvidence,
  quorumOf,
  siteCosigner,
  verifierKey,
  COSIGNATURE,
  noteText,
  parseCheckpointNote,
} from '@consilium/ledger';
import { ManualClock, type Fault, type RunId, type SiteName } from '@consilium/stdx';
import type { CoordinatorMessageInit, Hello, LogCheckpoint, WitnessAnswer } from '@consilium/wire';
import { pino } from 'pino';
import { MemoryTables } from '../adapters/memory/stores.js';
import { LedgerDisk, logKeyOf, openMemoryLog } from '../fixtures/ledger.fixture.js';
import { publicKeyOf, siteKey } from '../fixtures/keys.fixture.js';
import { SiteHand, votersOf } from '../fixtures/site-hand.fixture.js';
import { subjectOfRound } from '../runs/events.js';
import type { SentEvidence } from './evidence.js';
import { LogDesks } from './log-desks.js';
import type { OpenLedger } from './open-ledger.js';

const START_MS = Date.UTC(2026, 5, 1);
export const run = 'run-0000000001' as RunId;
export const offered = (round: number) =>
  ({
    type: 'round.offered',
    run,
    round,
    attempt: 1,
    plan: 'a'.repeat(64),
    model: 'b'.repeat(64),
    participants: ['alpha'],
  }) as never;
export const subject = (round: number): string => subjectOfRound({ run, round, attempt: 1 });

/** A site without anything but its log desk: what it is asked it answers when the test lets it. */
export class Witnessing {
  readonly asked: LogCheckpoint[] = [];
  readonly ended: Fault[] = [];
  /** What it answers by itself; replaced by tests. */
  answer: (asked: LogCheckpoint) => Promise<WitnessAnswer | undefined> = (asked) => this.hand.witness(asked);
  readonly hand: SiteHand;

  constructor(readonly name: SiteName) {
    this.hand = new SiteHand(name);
  }

  get hello(): Hello {
    return { protocolVersion: 1, features: [], software: 'test', ...this.hand.hello() };
  }
}

/** The coordinator's two desks, and sites that speak with them at once. */
export class Logs {
  readonly sites = new Map<SiteName, Witnessing>();
  readonly #here = new Set<SiteName>();
  readonly failures: unknown[] = [];

  private constructor(
    readonly open: OpenLedger,
    readonly desks: LogDesks,
    readonly disk: LedgerDisk,
    readonly tables: MemoryTables,
    readonly clock: ManualClock,
  ) {}

  static async start(
    {
      tables = new MemoryTables(),
      disk = new LedgerDisk(),
      clock = new ManualClock(START_MS),
    }: { tables?: MemoryTables; disk?: LedgerDisk; clock?: ManualClock } = {},
    rosterKeys = (site: SiteName): string | undefined => publicKeyOf(siteKey(site)),
  ): Promise<Logs> {
    const { openLedger, watching } = await openMemoryLog({ tables, disk, clock, fatal: () => {} });
    const sessions = {
      send: (site: SiteName, message: CoordinatorMessageInit): boolean => logs.#send(site, message),
      end: (site: SiteName, why: Fault): void => void logs.sites.get(site)?.ended.push(why),
    };
    const log = pino({ level: 'silent' });
    const world = { ...watching, federation: 'demo', keyOf: rosterKeys, sessions, clock, log };
    const logs: Logs = new Logs(openLedger, new LogDesks(openLedger, world), disk, tables, clock);
    return logs;
  }

  /** Who is here, in the order in which they came. */
  get present(): readonly SiteName[] {
    return [...this.#here];
  }

  /** The site comes, as a session does: greeted first. */
  async arrive(site: Witnessing): Promise<void> {
    this.sites.set(site.name, site);
    this.tables.sites.set(site.name, { name: site.name, software: '', lastSeenMs: this.clock.now() });
    await this.desks.witnesses.greet(site.name, site.hello);
    this.#here.add(site.name);
    await this.desks.witnesses.arrived(site.name, site.hello);
  }

  leave(site: Witnessing): void {
    this.#here.delete(site.name);
    this.desks.witnesses.left(site.name);
  }

  /** Stores that a round is offered, and seeks evidence for it. */
  async offer(round: number): Promise<void> {
    await this.open.ledger.record(offered(round));
  }

  seek(round: number, voters: readonly string[], reader: string, signal = new AbortController().signal) {
    return this.desks.evidence.seek(subject(round), votersOf(...voters), reader as SiteName, signal);
  }

  #send(site: SiteName, { witnessRequest }: CoordinatorMessageInit): boolean {
    const to = this.sites.get(site);
    if (!to || !this.#here.has(site)) return false;
    if (!witnessRequest) return true;
    const asked = witnessRequest as LogCheckpoint;
    to.asked.push(asked);
    const answered = async (): Promise<void> => {
      const answer = await to.answer(asked);
      if (answer && this.#here.has(site)) this.desks.witnesses.answered(site, answer);
    };
    answered().catch((error: unknown) => this.failures.push(error));
    return true;
  }
}

/** What a site does with the evidence of an offer: believes the plan's keys and nothing else. */
export function judged(evidence: SentEvidence, voters: readonly string[]) {
  const note = noteText(evidence.checkpoint);
  const shard = parseCheckpointNote(note).checkpoint.origin.split('/').at(-1)!;
  const witnesses = voters.map((site) => verifierKey(siteCosigner('demo', site), COSIGNATURE, siteKey(site).publicKey));
  return requireEvidence(
    { entry: evidence.entry, index: evidence.index, note, inclusion: evidence.inclusion },
    { logKey: logKeyOf(shard), witnesses, quorum: quorumOf(voters.length) },
  );
}
