import type { CoordinatorEvent } from '@consilium/ledger';
import { nextRoster, signRoster, type RosterChange } from '@consilium/identity';
import { ManualClock } from '@consilium/stdx';
import { MemoryStudyStore, MemoryTables } from '../adapters/memory/stores.js';
import { Federation } from '../fixtures/federation.fixture.js';
import { COORDINATOR_KEY } from '../fixtures/keys.fixture.js';
import { eventOf, MemoryLedger } from '../ledger/memory-ledger.js';
import { SiteRegister } from '../sites/register.js';
import { Rosters, signedRoster } from '../sites/rosters.js';
import { Clearance } from './clearance.js';
import { Studies } from './studies.js';

export const START_MS = Date.UTC(2026, 10, 25);

/** Studies and plans without a network, under a roster of alpha, beta and gamma, on a clock that tests move. */
export class StudyDesk {
  readonly ledger = new MemoryLedger();
  readonly tables = new MemoryTables();
  readonly store = new MemoryStudyStore(this.tables);
  readonly rosters: Rosters;
  readonly register: SiteRegister;
  readonly clearance: Clearance;
  readonly studies: Studies;

  private constructor(
    readonly federation: Federation,
    readonly clock: ManualClock,
    modelBytesMax: number,
  ) {
    this.rosters = new Rosters(federation.roster);
    this.register = new SiteRegister(this.rosters, { certificates: [], revocations: [] });
    const { ledger, store, rosters, register } = this;
    this.clearance = new Clearance({ studies: store, rosters, register, clock });
    const rules = { federation: 'demo', modelBytesMax };
    this.studies = new Studies({ ...this, store, ledger, rosters, signing: COORDINATOR_KEY, clock, rules });
  }

  static async open({ modelBytesMax = 1_000_000 } = {}): Promise<StudyDesk> {
    const clock = new ManualClock(START_MS);
    const federation = await Federation.found('demo', ['alpha', 'beta', 'gamma'], clock.now);
    return new StudyDesk(federation, clock, modelBytesMax);
  }

  get events(): CoordinatorEvent[] {
    return this.tables.ledger.rows.map(eventOf);
  }

  /** Puts a next roster in force. */
  async change(...changes: RosterChange[]): Promise<void> {
    const roster = nextRoster(this.rosters.current, changes, this.clock.now());
    const { privateKeyPem, certificatePem } = this.federation.root;
    this.rosters.replace(signedRoster(await signRoster(roster, privateKeyPem), certificatePem));
  }
}
