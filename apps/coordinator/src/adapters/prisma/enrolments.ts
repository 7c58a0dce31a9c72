import { Fault, type Digest, type SiteName } from '@consilium/stdx';
import type { Prisma, PrismaClient } from '../../generated/client.js';
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
import {
  certificateOf,
  certificateRow,
  enrolmentOf,
  enrolmentRow,
  revocationOf,
  revocationRow,
  rosterOf,
  rosterRow,
  tokenOf,
  tokenRow,
} from './enrolment-rows.js';
import { appendRows } from './ledger.js';
import { isMissing, isTaken } from './prisma-errors.js';

/** Every guard is a row that must be there or must not: a transaction that misses it ends there, whoever else asks. */
export class PrismaEnrolmentStore implements EnrolmentStore {
  constructor(private readonly prisma: PrismaClient) {}

  async createToken(token: TokenRecord, nowMs: number, events: readonly LedgerRow[]): Promise<void> {
    await this.prisma.$transaction([
      this.prisma.joinToken.deleteMany({ where: { expiresAt: { lte: new Date(nowMs) } } }),
      this.prisma.joinToken.create({ data: tokenRow(token) }),
      appendRows(this.prisma, events),
    ]);
  }

  async findToken(digest: Digest): Promise<TokenRecord | undefined> {
    const row = await this.prisma.joinToken.findUnique({ where: { digest } });
    return row ? tokenOf(row) : undefined;
  }

  openTokens(nowMs: number): Promise<number> {
    return this.prisma.joinToken.count({ where: { usedAt: null, expiresAt: { gt: new Date(nowMs) } } });
  }

  async join(token: Digest, enrolment: EnrolmentRecord, events: readonly LedgerRow[]): Promise<boolean> {
    const now = new Date(enrolment.askedMs);
    try {
      await this.prisma.$transaction([
        this.prisma.joinToken.update({
          where: { digest: token, usedAt: null, expiresAt: { gt: now } },
          data: { usedAt: now },
          select: { id: true },
        }),
        this.#keep(enrolment),
        appendRows(this.prisma, events),
      ]);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw isTaken(error) ? new Fault('ALREADY_EXISTS', { signer: enrolment.signer }, error) : error;
    }
  }

  async ask(enrolment: EnrolmentRecord): Promise<void> {
    try {
      await this.#keep(enrolment);
    } catch (error) {
      throw isTaken(error) ? new Fault('ALREADY_EXISTS', { signer: enrolment.signer }, error) : error;
    }
  }

  async find(site: SiteName): Promise<EnrolmentRecord | undefined> {
    const row = await this.prisma.enrolment.findUnique({ where: { site } });
    return row ? enrolmentOf(row) : undefined;
  }

  async findBySigner(signer: Digest): Promise<EnrolmentRecord | undefined> {
    const row = await this.prisma.enrolment.findUnique({ where: { signer } });
    return row ? enrolmentOf(row) : undefined;
  }

  async pending(): Promise<readonly EnrolmentRecord[]> {
    const rows = await this.prisma.enrolment.findMany({ where: { state: 'pending' } });
    // Sorted here and not by the database, whose collation may ignore hyphens.
    return rows.map(enrolmentOf).sort((a, b) => (a.site < b.site ? -1 : 1));
  }

  async refuse(enrolment: EnrolmentRecord): Promise<void> {
    try {
      await this.#decide({ ...enrolment, state: 'refused' });
    } catch (error) {
      throw isMissing(error) ? new Fault('NOT_FOUND', { site: enrolment.site }, error) : error;
    }
  }

  async roster(): Promise<RosterRecord | undefined> {
    const row = await this.prisma.roster.findFirst({ orderBy: { version: 'desc' } });
    return row ? rosterOf(row) : undefined;
  }

  async install(roster: RosterRecord, events: readonly LedgerRow[], admission?: Admission): Promise<void> {
    try {
      await this.prisma.$transaction([
        this.prisma.roster.create({ data: rosterRow(roster) }),
        ...(admission ? this.#admit(admission) : []),
        appendRows(this.prisma, events),
      ]);
    } catch (error) {
      if (isTaken(error)) throw new Fault('ALREADY_EXISTS', { version: roster.version }, error);
      throw isMissing(error) && admission ? new Fault('NOT_FOUND', { site: admission.enrolment.site }, error) : error;
    }
  }

  async issue(
    certificate: CertificateRecord,
    events: readonly LedgerRow[],
    { endedMs, enrolment }: { readonly endedMs: number; readonly enrolment?: EnrolmentRecord },
  ): Promise<void> {
    await this.prisma.$transaction([
      this.prisma.siteCertificate.deleteMany({ where: { notAfterAt: { lt: new Date(endedMs) } } }),
      this.#certify(certificate),
      ...(enrolment ? [this.#keep(enrolment)] : []),
      appendRows(this.prisma, events),
    ]);
  }

  async certificates(): Promise<readonly CertificateRecord[]> {
    return (await this.prisma.siteCertificate.findMany()).map(certificateOf);
  }

  async revoke(revocation: RevocationRecord, events: readonly LedgerRow[]): Promise<void> {
    try {
      await this.prisma.$transaction([
        this.prisma.revocation.create({ data: revocationRow(revocation) }),
        appendRows(this.prisma, events),
      ]);
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
  }

  async revocations(): Promise<readonly RevocationRecord[]> {
    return (await this.prisma.revocation.findMany()).map(revocationOf);
  }

  async useNonce(
    { site, nonce, expiresMs }: { readonly site: SiteName; readonly nonce: string; readonly expiresMs: number },
    nowMs: number,
  ): Promise<boolean> {
    try {
      await this.prisma.$transaction([
        this.prisma.usedNonce.deleteMany({ where: { expiresAt: { lte: new Date(nowMs) } } }),
        this.prisma.usedNonce.create({ data: { site, nonce, expiresAt: new Date(expiresMs) } }),
      ]);
      return true;
    } catch (error) {
      if (isTaken(error)) return false;
      throw error;
    }
  }

  #admit({ enrolment, certificate }: Admission): Prisma.PrismaPromise<unknown>[] {
    const { site, kind } = enrolment;
    return [
      this.#decide({ ...enrolment, state: 'admitted' }),
      ...(kind === 'join' ? [this.prisma.siteCertificate.deleteMany({ where: { site } })] : []),
      this.#certify(certificate),
      this.prisma.revocation.deleteMany({ where: { site } }),
    ];
  }

  #decide({ site, signer, state, certificate }: EnrolmentRecord): Prisma.PrismaPromise<unknown> {
    const where = { site, signer, state: 'pending' };
    return this.prisma.enrolment.update({ where, data: { state, certificate }, select: { site: true } });
  }

  #keep(enrolment: EnrolmentRecord): Prisma.PrismaPromise<unknown> {
    const row = enrolmentRow(enrolment);
    return this.prisma.enrolment.upsert({ where: { site: row.site }, create: row, update: row });
  }

  #certify(certificate: CertificateRecord): Prisma.PrismaPromise<unknown> {
    const row = certificateRow(certificate);
    return this.prisma.siteCertificate.upsert({ where: { spki: row.spki }, create: row, update: row });
  }
}
