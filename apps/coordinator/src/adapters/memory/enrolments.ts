import { Fault, type Digest, type SiteName } from '@consilium/stdx';
import type { LedgerRow } from '../../ports.js';
import type {
  Admission,
  CertificateRecord,
  EnrolmentRecord,
  EnrolmentStore,
  RevocationRecord,
  RosterRecord,
  TokenRecord,
} from '../../sites/store.js';
import type { MemoryTables } from './stores.js';

/** The tables of the enrolment in memory, beside the ledger's. */
export class MemoryEnrolmentStore implements EnrolmentStore {
  readonly #tokens = new Map<Digest, TokenRecord>();
  readonly #enrolments = new Map<SiteName, EnrolmentRecord>();
  readonly #rosters = new Map<number, RosterRecord>();
  readonly #certificates = new Map<Digest, CertificateRecord>();
  readonly #revocations = new Map<SiteName, RevocationRecord>();
  readonly #nonces = new Map<string, number>();

  constructor(private readonly tables: Pick<MemoryTables, 'ledger'>) {}

  async createToken(token: TokenRecord, nowMs: number, events: readonly LedgerRow[]): Promise<void> {
    for (const { digest, expiresMs } of this.#tokens.values()) if (expiresMs <= nowMs) this.#tokens.delete(digest);
    this.#tokens.set(token.digest, token);
    this.tables.ledger.append(events);
  }

  async findToken(digest: Digest): Promise<TokenRecord | undefined> {
    return this.#tokens.get(digest);
  }

  async openTokens(nowMs: number): Promise<number> {
    return [...this.#tokens.values()].filter(({ usedMs, expiresMs }) => usedMs === null && expiresMs > nowMs).length;
  }

  async join(digest: Digest, enrolment: EnrolmentRecord, events: readonly LedgerRow[]): Promise<boolean> {
    const token = this.#tokens.get(digest);
    if (!token || token.usedMs !== null || token.expiresMs <= enrolment.askedMs) return false;
    this.#keep(enrolment);
    this.#tokens.set(digest, { ...token, usedMs: enrolment.askedMs });
    this.tables.ledger.append(events);
    return true;
  }

  async ask(enrolment: EnrolmentRecord): Promise<void> {
    this.#keep(enrolment);
  }

  async find(site: SiteName): Promise<EnrolmentRecord | undefined> {
    return this.#enrolments.get(site);
  }

  async findBySigner(signer: Digest): Promise<EnrolmentRecord | undefined> {
    return [...this.#enrolments.values()].find((enrolment) => enrolment.signer === signer);
  }

  async pending(): Promise<readonly EnrolmentRecord[]> {
    const pending = [...this.#enrolments.values()].filter(({ state }) => state === 'pending');
    return pending.sort((a, b) => (a.site < b.site ? -1 : 1));
  }

  async refuse(enrolment: EnrolmentRecord): Promise<void> {
    this.#requirePending(enrolment);
    this.#enrolments.set(enrolment.site, { ...enrolment, state: 'refused' });
  }

  async roster(): Promise<RosterRecord | undefined> {
    return this.#rosters.get(Math.max(...this.#rosters.keys()));
  }

  async install(roster: RosterRecord, events: readonly LedgerRow[], admission?: Admission): Promise<void> {
    if (this.#rosters.has(roster.version)) throw new Fault('ALREADY_EXISTS', { version: roster.version });
    if (admission) this.#admit(admission);
    this.#rosters.set(roster.version, roster);
    this.tables.ledger.append(events);
  }

  async issue(
    certificate: CertificateRecord,
    events: readonly LedgerRow[],
    { endedMs, enrolment }: { readonly endedMs: number; readonly enrolment?: EnrolmentRecord },
  ): Promise<void> {
    for (const { spki, notAfterMs } of this.#certificates.values()) {
      if (notAfterMs < endedMs) this.#certificates.delete(spki);
    }
    this.#certificates.set(certificate.spki, certificate);
    if (enrolment) this.#enrolments.set(enrolment.site, enrolment);
    this.tables.ledger.append(events);
  }

  async certificates(): Promise<readonly CertificateRecord[]> {
    return [...this.#certificates.values()];
  }

  async revoke(revocation: RevocationRecord, events: readonly LedgerRow[]): Promise<void> {
    if (this.#revocations.has(revocation.site)) return;
    this.#revocations.set(revocation.site, revocation);
    this.tables.ledger.append(events);
  }

  async revocations(): Promise<readonly RevocationRecord[]> {
    return [...this.#revocations.values()];
  }

  async useNonce(
    { site, nonce, expiresMs }: { readonly site: SiteName; readonly nonce: string; readonly expiresMs: number },
    nowMs: number,
  ): Promise<boolean> {
    for (const [key, until] of this.#nonces) if (until <= nowMs) this.#nonces.delete(key);
    const key = `${site}/${nonce}`;
    if (this.#nonces.has(key)) return false;
    this.#nonces.set(key, expiresMs);
    return true;
  }

  #keep(enrolment: EnrolmentRecord): void {
    const { site, signer } = enrolment;
    const taken = [...this.#enrolments.values()].some((other) => other.signer === signer && other.site !== site);
    if (taken) throw new Fault('ALREADY_EXISTS', { signer });
    this.#enrolments.set(site, enrolment);
  }

  #admit({ enrolment, certificate }: Admission): void {
    this.#requirePending(enrolment);
    this.#enrolments.set(enrolment.site, { ...enrolment, state: 'admitted' });
    if (enrolment.kind === 'join') {
      for (const { spki, site } of this.#certificates.values()) {
        if (site === enrolment.site) this.#certificates.delete(spki);
      }
    }
    this.#certificates.set(certificate.spki, certificate);
    this.#revocations.delete(enrolment.site);
  }

  #requirePending({ site, signer }: EnrolmentRecord): void {
    const there = this.#enrolments.get(site);
    if (there?.state !== 'pending' || there.signer !== signer) throw new Fault('NOT_FOUND', { site });
  }
}
