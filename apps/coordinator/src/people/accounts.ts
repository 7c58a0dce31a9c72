import { Fault, type Clock } from '@consilium/stdx';
import type { Ledger } from '../ledger/ledger.js';
import type { Caller } from './caller.js';
import { newPersonId, type PersonId } from './person-id.js';
import { sameGrant, type Grant } from './roles.js';
import { hashOf, newSecret } from './secrets.js';
import type { PeopleStore, PersonRecord, Subject } from './store.js';

const DAY_MS = 24 * 60 * 60_000;
/** Long enough to reach a colleague who is off duty. */
const SETUP_MS = 3 * DAY_MS;
/** The identity provider may know a whole university; whoever logs in gets an account, so their number has an end. */
const ACCOUNTS_MAX = 10_000;

/** A secret that is shown once, with which a person sets up password and second factor. */
export interface Invitation {
  readonly person: PersonId;
  readonly setupSecret: string;
  readonly setupExpiresMs: number;
}

/**
 * Who has an account, and what they may do. Every change of a role is written down, by pseudonym, before it holds; and
 * nobody changes their own.
 */
export class Accounts {
  constructor(
    private readonly store: PeopleStore,
    private readonly ledger: Pick<Ledger, 'record'>,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  list = (): Promise<readonly PersonRecord[]> => this.store.list();

  /** NOT_FOUND for no such person. */
  async find(id: PersonId): Promise<PersonRecord> {
    const person = await this.store.find(id);
    if (!person) throw new Fault('NOT_FOUND', { person: id });
    return person;
  }

  /** A local account with these roles. ALREADY_EXISTS for a login that is taken. */
  async create(login: string, name: string, grants: readonly Grant[], by: Caller): Promise<Invitation> {
    const id = newPersonId();
    await this.#create({ id, name, login, subject: null });
    for (const grant of grants) await this.grant(id, grant, by);
    return this.invite(id);
  }

  /** The account of somebody whom the identity provider vouches for; without any role when it is the first time. */
  async ofSubject(subject: Subject, name: string): Promise<PersonRecord> {
    const known = await this.store.findBySubject(subject);
    if (known) return known;
    try {
      return await this.#create({ id: newPersonId(), name, login: null, subject });
    } catch (error) {
      // Two first logins at once: the other one was quicker.
      const made = Fault.is(error, 'ALREADY_EXISTS') ? await this.store.findBySubject(subject) : undefined;
      if (!made) throw error;
      return made;
    }
  }

  /** Idempotent, and logged once. */
  async grant(id: PersonId, grant: Grant, by: Caller): Promise<PersonRecord> {
    return this.#change(id, by, async ({ grants }) => {
      if (grants.some((other) => sameGrant(other, grant))) return;
      await this.#log(id, grant, true, by);
      await this.store.grant(id, grant);
    });
  }

  async revoke(id: PersonId, grant: Grant, by: Caller): Promise<PersonRecord> {
    return this.#change(id, by, async ({ grants }) => {
      if (!grants.some((other) => sameGrant(other, grant))) return;
      await this.#log(id, grant, false, by);
      await this.store.revoke(id, grant);
    });
  }

  /** For good, with everything that they are logged in with. The account stays, so that its name can be looked up. */
  async disable(id: PersonId, by: Caller): Promise<PersonRecord> {
    return this.#change(id, by, async (person) => {
      if (person.disabledMs !== null) return;
      await this.#loseAll(person, by);
      await this.store.disable(id, this.clock.now());
    });
  }

  /** The name and all else that is known of them (GDPR, article 17). The logs keep the pseudonym, which leads nowhere then. */
  async erase(id: PersonId, by: Caller): Promise<void> {
    const person = await this.find(id);
    refuseOneself(id, by);
    await this.#loseAll(person, by);
    await this.store.erase(id);
  }

  /** A new set-up secret for a local account; the old password holds until it is used. */
  async invite(id: PersonId): Promise<Invitation> {
    const { login } = await this.find(id);
    if (login === null) throw new Fault('LOGIN_METHOD_UNAVAILABLE', { person: id });
    const [setupSecret, setupExpiresMs] = [`consilium-setup.${newSecret()}`, this.clock.now() + SETUP_MS];
    await this.store.beginSetup(id, { hash: hashOf(setupSecret), expiresMs: setupExpiresMs, totp: null });
    return { person: id, setupSecret, setupExpiresMs };
  }

  async #create(person: Pick<PersonRecord, 'id' | 'name' | 'login' | 'subject'>): Promise<PersonRecord> {
    if ((await this.store.count()) >= ACCOUNTS_MAX) throw new Fault('OVERLOADED', { accountsMax: ACCOUNTS_MAX });
    const record: PersonRecord = { ...person, grants: [], createdMs: this.clock.now(), disabledMs: null };
    await this.store.create(record);
    return record;
  }

  async #change(id: PersonId, by: Caller, change: (person: PersonRecord) => Promise<void>): Promise<PersonRecord> {
    const person = await this.find(id);
    refuseOneself(id, by);
    await change(person);
    return this.find(id);
  }

  async #loseAll({ id, grants }: PersonRecord, by: Caller): Promise<void> {
    for (const grant of grants) {
      await this.#log(id, grant, false, by);
      await this.store.revoke(id, grant);
    }
  }

  #log(person: PersonId, { role }: Grant, granted: boolean, by: Caller): Promise<void> {
    return this.ledger.record({ type: 'role.changed', person, role, granted, by: by.person });
  }
}

function refuseOneself(id: PersonId, by: Caller): void {
  if (id === by.person) throw new Fault('ACCESS_DENIED', { person: id, expected: 'another admin' });
}
