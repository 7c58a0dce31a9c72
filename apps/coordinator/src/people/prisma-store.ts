import { canonicalJson, Fault } from '@consilium/stdx';
import { Prisma, type PrismaClient } from '../generated/client.js';
import { boundTo, grantOf, type Grant } from './roles.js';
import type { PersonId } from './person-id.js';
import type { Credential, PeopleStore, PersonRecord, SecretHash, Session, Setup, Subject } from './store.js';

const withGrants = { include: { grants: true } } as const;
type PersonRow = Prisma.PersonGetPayload<typeof withGrants>;
type SessionRow = Prisma.LoginSessionGetPayload<object>;

/** Accounts and logins in the database. What must happen once is one statement whose `where` says what was before. */
export class PrismaPeopleStore implements PeopleStore {
  constructor(private readonly prisma: PrismaClient) {}

  async create({ subject, createdMs, disabledMs, grants, ...person }: PersonRecord): Promise<void> {
    const row = {
      ...person,
      issuer: subject?.issuer ?? null,
      subject: subject?.subject ?? null,
      createdAt: new Date(createdMs),
      disabledAt: disabledMs === null ? null : new Date(disabledMs),
      grants: { create: grants.map((grant) => ({ role: grant.role, boundTo: boundTo(grant) })) },
    };
    try {
      await this.prisma.person.create({ data: row });
    } catch (error) {
      if (!(error instanceof Prisma.PrismaClientKnownRequestError) || error.code !== UNIQUE_VIOLATED) throw error;
      throw new Fault('ALREADY_EXISTS', { account: person.login ?? 'of the identity provider' }, error);
    }
  }

  find = (id: PersonId): Promise<PersonRecord | undefined> => this.#one({ id });
  findByLogin = (login: string): Promise<PersonRecord | undefined> => this.#one({ login });
  findBySubject = (subject: Subject): Promise<PersonRecord | undefined> =>
    this.#one({ issuer_subject: { ...subject } });

  async list(): Promise<readonly PersonRecord[]> {
    const rows = await this.prisma.person.findMany({ ...withGrants, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
    return rows.map(personOf);
  }

  count = (): Promise<number> => this.prisma.person.count();

  async grant(id: PersonId, grant: Grant): Promise<void> {
    const row = { personId: id, role: grant.role, boundTo: boundTo(grant) };
    await this.prisma.personGrant.createMany({ data: row, skipDuplicates: true });
  }

  async revoke(id: PersonId, grant: Grant): Promise<void> {
    await this.prisma.personGrant.deleteMany({ where: { personId: id, role: grant.role, boundTo: boundTo(grant) } });
  }

  async disable(id: PersonId, atMs: number): Promise<void> {
    await this.prisma.$transaction([
      this.prisma.person.updateMany({ where: { id }, data: { disabledAt: new Date(atMs) } }),
      this.prisma.loginSession.deleteMany({ where: { personId: id } }),
    ]);
  }

  async erase(id: PersonId): Promise<void> {
    await this.prisma.person.deleteMany({ where: { id } });
  }

  async beginSetup(id: PersonId, { hash, expiresMs, totp }: Setup): Promise<void> {
    const data = { setupHash: hash, setupExpiryAt: new Date(expiresMs), setupTotp: totp };
    await this.prisma.person.updateMany({ where: { id }, data });
  }

  async findSetup(hash: SecretHash): Promise<{ person: PersonId; setup: Setup } | undefined> {
    const row = await this.prisma.person.findUnique({ where: { setupHash: hash } });
    if (!row?.setupExpiryAt) return undefined;
    const setup = { hash, expiresMs: row.setupExpiryAt.getTime(), totp: row.setupTotp };
    return { person: row.id as PersonId, setup };
  }

  async completeSetup(hash: SecretHash, credential: Credential, recovery: readonly SecretHash[]): Promise<boolean> {
    return this.prisma.$transaction(async (tx) => {
      const row = await tx.person.findUnique({ where: { setupHash: hash } });
      if (!row) return false;
      const data = { ...credential, setupHash: null, setupExpiryAt: null, setupTotp: null };
      const { count } = await tx.person.updateMany({ where: { setupHash: hash }, data });
      if (count === 0) return false;
      const personId = row.id;
      await tx.recoveryCode.deleteMany({ where: { personId } });
      await tx.recoveryCode.createMany({ data: recovery.map((code) => ({ personId, hash: code })) });
      await tx.loginSession.deleteMany({ where: { personId } });
      return true;
    });
  }

  async credential(id: PersonId): Promise<Credential | undefined> {
    const row = await this.prisma.person.findUnique({ where: { id } });
    if (!row?.password || !row.totp || row.totpStep === null) return undefined;
    return { password: row.password, totp: row.totp, totpStep: row.totpStep };
  }

  async useTotpStep(id: PersonId, step: number): Promise<boolean> {
    const where = { id, totpStep: { lt: step } };
    return (await this.prisma.person.updateMany({ where, data: { totpStep: step } })).count === 1;
  }

  async useRecoveryCode(id: PersonId, hash: SecretHash): Promise<boolean> {
    return (await this.prisma.recoveryCode.deleteMany({ where: { personId: id, hash } })).count === 1;
  }

  async openSession({ id, person, hash, authMs, createdMs, usedMs }: Session, keep: number): Promise<void> {
    const row = { id, hash, personId: person, authAt: new Date(authMs) };
    await this.prisma.loginSession.create({
      data: { ...row, createdAt: new Date(createdMs), usedAt: new Date(usedMs) },
    });
    const orderBy = [{ createdAt: 'desc' as const }, { id: 'asc' as const }];
    const oldest = await this.prisma.loginSession.findMany({ where: { personId: person }, orderBy, skip: keep });
    await this.prisma.loginSession.deleteMany({ where: { id: { in: oldest.map((session) => session.id) } } });
  }

  async findSession(id: string): Promise<Session | undefined> {
    const row = await this.prisma.loginSession.findUnique({ where: { id } });
    return row ? sessionOf(row) : undefined;
  }

  async rotateSession(id: string, from: SecretHash, to: SecretHash, atMs: number): Promise<boolean> {
    const data = { hash: to, usedAt: new Date(atMs) };
    return (await this.prisma.loginSession.updateMany({ where: { id, hash: from }, data })).count === 1;
  }

  async closeSession(id: string): Promise<void> {
    await this.prisma.loginSession.deleteMany({ where: { id } });
  }

  async #one(where: Prisma.PersonWhereUniqueInput): Promise<PersonRecord | undefined> {
    const row = await this.prisma.person.findUnique({ where, ...withGrants });
    return row ? personOf(row) : undefined;
  }
}

/** Prisma's code for a row whose key is there already. */
const UNIQUE_VIOLATED = 'P2002';

const personOf = (row: PersonRow): PersonRecord => ({
  id: row.id as PersonId,
  name: row.name,
  login: row.login,
  subject: row.issuer === null || row.subject === null ? null : { issuer: row.issuer, subject: row.subject },
  grants: row.grants.map(grantOf).sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1)),
  createdMs: row.createdAt.getTime(),
  disabledMs: row.disabledAt?.getTime() ?? null,
});

const sessionOf = ({ id, personId, hash, authAt, createdAt, usedAt }: SessionRow): Session => ({
  id,
  person: personId as PersonId,
  hash: hash as SecretHash,
  authMs: authAt.getTime(),
  createdMs: createdAt.getTime(),
  usedMs: usedAt.getTime(),
});
