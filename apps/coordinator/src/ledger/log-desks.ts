import type { SigningKey } from '@consilium/identity';
import type { Clock, Fault, SiteName } from '@consilium/stdx';
import type { CoordinatorMessageInit } from '@consilium/wire';
import type { Log } from '../log.js';
import type { SiteLogs } from '../ports.js';
import { LedgerEvidence, type EvidenceDesk } from './evidence.js';
import { KnownPast, type EquivocationFile } from './known-past.js';
import type { OpenLedger } from './open-ledger.js';
import { SiteCheckpoints } from './site-checkpoints.js';
import { WitnessBoard } from './witness-board.js';
import { WitnessDesk } from './witness-desk.js';
import { WitnessKeys } from './witness-keys.js';

/** What it takes to hold two logs against each other. */
export interface Watching {
  /** Signs the coordinator's log and cosigns those of the sites. */
  readonly signing: SigningKey;
  readonly siteLogs: SiteLogs;
  readonly equivocation: EquivocationFile;
}

export interface LogDeskWorld extends Watching {
  readonly federation: string;
  /** The site's key (base64) in the roster in force. */
  readonly keyOf: (site: SiteName) => string | undefined;
  readonly sessions: {
    send(site: SiteName, message: CoordinatorMessageInit): boolean;
    end(site: SiteName, why: Fault): void;
  };
  readonly clock: Clock;
  readonly log: Log;
}

/** The two desks at which logs are held against each other: what sites say of them, and what offers have to show. */
export class LogDesks {
  readonly witnesses: WitnessDesk;
  readonly evidence: EvidenceDesk;
  readonly #accused = new Set<string>();

  constructor(
    private readonly open: OpenLedger,
    private readonly world: LogDeskWorld,
  ) {
    const { shards, integrator, rows, ledger, gate, halt } = open;
    const { signing, sessions, log } = world;
    const record = ledger.record.bind(ledger);
    const past = new KnownPast({ ...world, publicKey: signing.publicKey, shards, gate, halt, record });
    const siteCheckpoints = new SiteCheckpoints({ ...world, signer: signing, ledger });
    const keys = new WitnessKeys(world.federation);
    const send = sessions.send.bind(sessions);
    const accused = this.#accuse.bind(this);
    this.witnesses = new WitnessDesk({
      shards,
      integrator,
      past,
      siteCheckpoints,
      openBoard: (tiles) => new WitnessBoard({ ...world, keys, tiles, send, accused }),
      log,
    });
    this.evidence = new LedgerEvidence({ rows, shards, integrator, boardOf: this.witnesses.boardOf });
  }

  /** It may lie, so its word alone stops nothing: its next Hello has to show a checkpoint that we signed. Told once. */
  #accuse(site: SiteName, why: Fault): void {
    const kind = why.code === 'LEDGER_ROLLED_BACK' ? 'rollback' : 'equivocation';
    if (this.#accused.has(`${site} ${kind}`)) return;
    this.#accused.add(`${site} ${kind}`);
    const { log, sessions } = this.world;
    const recorded = this.open.ledger.record({ type: 'alert', kind, site });
    recorded.catch((err: unknown) => log.error({ err }, 'an alert was not stored'));
    sessions.end(site, why);
  }
}
