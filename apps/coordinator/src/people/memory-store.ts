import { canonicalJson, Fault } from '@consilium/stdx';
import type { PersonId } from './person-id.js';
import { sameGrant, type Grant } from './roles.js';
import type { Credential, PeopleStore, PersonRecord, SecretHash, Session, Setup, Subject } from './store.js';

/** The memory twin of the accounts. */
export class MemoryPeopleStore implements PeopleStore {
  readonly #people = new Map<PersonId, PersonRecord>();
  readonly #setups = new Map<PersonId, Setup>();
  readonly #credentials = new Map<PersonId, Credential>();
  readonly #recovery = new Map<PersonId, Set<SecretHash>>();
  readonly #sessions = new Map<string, Session>();

  async create(person: PersonRecord): Promise<void> {
    const { id, login, subject } = person;
    const taken = [...this.#people.values()].some(
      (other) => other.id === id || (login !== null && other.login === login) || sameSubject(other.subject, subject),
    );
    if (taken) throw new Fault('ALREADY_EXISTS', { account: login ?? 'of the identity provider' });
    this.#people.set(id, person);
  }

  find = async (id: PersonId): Promise<PersonRecord | undefined> => this.#people.get(id);

  async findByLogin(login: string): Promise<PersonRecord | undefined> {
    return [...this.#people.values()].find((person) => person.login === login);
  }

  async findBySubject(subject: Subject): Promise<PersonRecord | undefined> {
    return [...this.#people.values()].find((person) => sameSubject(person.subject, subject));
  }

  async list(): Promise<readonly PersonRecord[]> {
    return [...this.#people.values()].sort((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1));
  }

  count = async (): Promise<number> => this.#people.size;

  async grant(id: PersonId, grant: Grant): Promise<void> {
    this.#change(id, ({ grants }) => ({
      grants: sorted([...grants.filter((other) => !sameGrant(other, grant)), grant]),
    }));
  }

  async revoke(id: PersonId, grant: Grant): Promise<void> {
    this.#change(id, ({ grants }) => ({ grants: grants.filter((other) => !sameGrant(other, grant)) }));
  }

  async disable(id: PersonId, atMs: number): Promise<void> {
    this.#change(id, () => ({ disabledMs: atMs }));
    this.#closeAll(id);
  }

  async erase(id: PersonId): Promise<void> {
    for (const table of [this.#people, this.#setups, this.#credentials, this.#recovery]) table.delete(id);
    this.#closeAll(id);
  }

  async beginSetup(id: PersonId, setup: Setup): Promise<void> {
    if (this.#people.has(id)) this.#setups.set(id, setup);
  }

  async findSetup(hash: SecretHash): Promise<{ person: PersonId; setup: Setup } | undefined> {
    const found = [...this.#setups].find(([, setup]) => setup.hash === hash);
    return found && { person: found[0], setup: found[1] };
  }

  async completeSetup(hash: SecretHash, credential: Credential, recovery: readonly SecretHash[]): Promise<boolean> {
    const person = [...this.#setups].find(([, setup]) => setup.hash === hash)?.[0];
    if (person === undefined) return false;
    this.#setups.delete(person);
    this.#credentials.set(person, credential);
    this.#recovery.set(person, new Set(recovery));
    this.#closeAll(person);
    return true;
  }

  credential = async (id: PersonId): Promise<Credential | undefined> => this.#credentials.get(id);

  async useTotpStep(id: PersonId, step: number): Promise<boolean> {
    const credential = this.#credentials.get(id);
    if (!credential || credential.totpStep >= step) return false;
    this.#credentials.set(id, { ...credential, totpStep: step });
    return true;
  }

  async useRecoveryCode(id: PersonId, hash: SecretHash): Promise<boolean> {
    return this.#recovery.get(id)?.delete(hash) ?? false;
  }

  async openSession(session: Session, keep: number): Promise<void> {
    this.#sessions.set(session.id, session);
    const own = [...this.#sessions.values()].filter(({ person }) => person === session.person);
    const oldest = own.sort((a, b) => b.createdMs - a.createdMs || (a.id < b.id ? -1 : 1)).slice(keep);
    for (const { id } of oldest) this.#sessions.delete(id);
  }

  findSession = async (id: string): Promise<Session | undefined> => this.#sessions.get(id);

  async rotateSession(id: string, from: SecretHash, to: SecretHash, atMs: number): Promise<boolean> {
    const session = this.#sessions.get(id);
    if (session?.hash !== from) return false;
    this.#sessions.set(id, { ...session, hash: to, usedMs: atMs });
    return true;
  }

  async closeSession(id: string): Promise<void> {
    this.#sessions.delete(id);
  }

  #change(id: PersonId, change: (person: PersonRecord) => Partial<PersonRecord>): void {
    const person = this.#people.get(id);
    if (person) this.#people.set(id, { ...person, ...change(person) });
  }

  #closeAll(id: PersonId): void {
    for (const session of this.#sessions.values()) if (session.person === id) this.#sessions.delete(session.id);
  }
}

const sameSubject = (a: Subject | null, b: Subject | null): boolean =>
  a !== null && b !== null && a.issuer === b.issuer && a.subject === b.subject;

const sorted = (grants: readonly Grant[]): readonly Grant[] =>
  [...grants].sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1));
