import {
  decodeBase64,
  encodeBase64,
  encodePublicKey,
  joinTokenDigest,
  newRequest,
  newSigningKey,
  nextRoster,
  parseJoinToken,
  signEnvelope,
  signRoster,
  type RosterChange,
  type SoftwareKey,
} from '@consilium/identity';
import type { CoordinatorEvent } from '@consilium/ledger';
import { ManualClock, type Code, type SiteName } from '@consilium/stdx';
import { randomBytes } from 'node:crypto';
import { MemoryEnrolmentStore } from '../adapters/memory/enrolments.js';
import { MemoryTables } from '../adapters/memory/stores.js';
import { Federation } from '../fixtures/federation.fixture.js';
import { eventOf, MemoryLedger } from '../ledger/memory-ledger.js';
import { MACHINE } from '../people/person-id.js';
import { Membership, type SiteDesks } from './membership.js';
import type { EnrolmentStore } from './store.js';

export const START_MS = Date.UTC(2026, 10, 25);
export const delta = 'delta' as SiteName;
export const HOUR_MS = 3_600_000;

/** A coordinator's enrolment without a network, on a clock that tests move. Its roster lists alpha, beta and gamma. */
export class Desk {
  private constructor(
    readonly ledger: MemoryLedger,
    readonly federation: Federation,
    readonly clock: ManualClock,
    readonly tables: MemoryTables,
    readonly store: EnrolmentStore,
    readonly membership: Membership,
    readonly desks: SiteDesks,
  ) {}

  static async open(
    given: { federation?: Federation; clock?: ManualClock; tables?: MemoryTables; store?: EnrolmentStore } = {},
  ): Promise<Desk> {
    const clock = given.clock ?? new ManualClock(START_MS);
    const federation = given.federation ?? (await Federation.found('demo', ['alpha', 'beta', 'gamma'], clock.now));
    const tables = given.tables ?? new MemoryTables();
    const store = given.store ?? new MemoryEnrolmentStore(tables);
    const ledger = new MemoryLedger();
    const { identity, name } = federation;
    const membership = await Membership.open({ federation: name, identity, store, ledger, clock });
    return new Desk(
      ledger,
      federation,
      clock,
      tables,
      store,
      membership,
      membership.desks(() => 'hub.example.org:7443'),
    );
  }

  /** The coordinator after a restart: what is stored stays, the rest does not. */
  restart = (): Promise<Desk> => Desk.open(this);

  get events(): CoordinatorEvent[] {
    return this.tables.ledger.rows.map(eventOf);
  }

  /** The codes under which attempts to join were refused. */
  get refusedCodes(): Code[] {
    return this.ledger.events.flatMap((event) => (event.type === 'token.refused' ? [event.code] : []));
  }

  async invite(site: SiteName = delta, minutes = 60): Promise<string> {
    return (await this.desks.invitations.invite({ site, jurisdiction: 'DK', minutes }, MACHINE)).token;
  }

  /** The next roster, as an admin signs it offline. */
  async sign(...changes: RosterChange[]): Promise<Uint8Array> {
    const roster = nextRoster(this.membership.rosters.current, changes, this.clock.now());
    return signRoster(roster, this.federation.root.privateKeyPem);
  }

  /** Lets the site in whose request is pending. */
  async admit(site: SiteName = delta): Promise<void> {
    const request = (await this.desks.admissions.pending()).find((pending) => pending.site === site)!;
    const { signing, jurisdiction } = request;
    await this.desks.admissions.admit(
      site,
      await this.sign({ kind: 'admit', site: { name: site, signing, jurisdiction } }),
    );
  }

  /** A site that was invited, has joined and was let in. */
  async enrolled(site: SiteName = delta): Promise<Applicant> {
    const applicant = new Applicant(site, this.clock);
    await this.desks.enrolment.join(await applicant.join(await this.invite(site)));
    await this.admit(site);
    return applicant;
  }
}

/** A site's side of enrolment: the requests that its agent writes. Each may be changed, for tests of what is refused. */
export class Applicant {
  constructor(
    readonly site: SiteName,
    private readonly clock: ManualClock,
    readonly key: SoftwareKey = newSigningKey(),
  ) {}

  get signing(): string {
    return encodePublicKey(this.key.publicKey);
  }

  async join(token: string, change: Record<string, unknown> = {}): Promise<{ token: string; envelope: Buffer }> {
    const { secret } = parseJoinToken(token);
    const document = {
      schema: 'consilium.join/1' as const,
      ...this.#base,
      token: joinTokenDigest(secret),
      csr: await newCsr(),
      signing: this.signing,
      ...change,
    };
    return { token: secret, envelope: Buffer.from(signEnvelope('join', document, [this.key])) };
  }

  collect = (change: Record<string, unknown> = {}): Uint8Array =>
    signEnvelope('collect', { schema: 'consilium.collect/1', ...this.#base, nonce: newNonce(), ...change }, [this.key]);

  renew = async (change: Record<string, unknown> = {}, key = this.key): Promise<Uint8Array> =>
    signEnvelope(
      'renew',
      { schema: 'consilium.renew/1', ...this.#base, nonce: newNonce(), csr: await newCsr(), ...change },
      [key],
    );

  rekey = async (next: SoftwareKey, keys = [this.key, next]): Promise<Uint8Array> =>
    signEnvelope(
      'rekey',
      {
        schema: 'consilium.rekey/1',
        ...this.#base,
        nonce: newNonce(),
        csr: await newCsr(),
        signing: encodePublicKey(next.publicKey),
      },
      keys,
    );

  get #base() {
    return { federation: 'demo', site: this.site, atMs: this.clock.now() };
  }
}

export const newCsr = async (): Promise<string> => encodeBase64((await newRequest()).csr);
export const csrBytes = (csr: string): Uint8Array => decodeBase64(csr, 'CSR_INVALID');
const newNonce = (): string => randomBytes(16).toString('hex');
