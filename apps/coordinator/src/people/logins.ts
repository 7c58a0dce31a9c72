import { randomBytes } from 'node:crypto';
import { Fault, type Clock } from '@consilium/stdx';
import type { Ledger } from '../ledger/ledger.js';
import { ACCESS_TOKEN_SECONDS, type AccessTokens } from './access-tokens.js';
import type { Denials } from './denials.js';
import type { PersonId } from './person-id.js';
import type { Role } from './roles.js';
import { hashOf, newSecret } from './secrets.js';
import type { PeopleStore, PersonRecord, Session } from './store.js';

const HOUR_MS = 60 * 60_000;
/** A login that nobody uses ends; one that is used all the time ends too. */
export const IDLE_MS = 12 * HOUR_MS;
export const LOGIN_MS_MAX = 30 * 24 * HOUR_MS;
/** A person's logins at once; the oldest makes room. */
const LOGINS_MAX = 20;

/** What a login gives: a token to show for ten minutes, and one to get the next with. */
export interface Tokens {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly refreshToken: string;
  readonly person: PersonId;
  readonly roles: readonly Role[];
}

/**
 * Logins, from the proof of who somebody is to the end. A refresh token works once; that it is shown again means that
 * two have it, and since nobody can tell which of them is the thief, the login ends for both (RFC 9700, 4.14.2).
 */
export class Logins {
  constructor(
    private readonly parts: {
      readonly store: PeopleStore;
      readonly tokens: AccessTokens;
      readonly ledger: Pick<Ledger, 'record'>;
      readonly denials: Denials;
      readonly clock: Clock;
    },
  ) {}

  /** ACCESS_DENIED for a disabled account, ACCOUNT_UNKNOWN for one that nobody has given a role. Logged before it counts. */
  async open(person: PersonRecord, authMs: number, method: 'oidc' | 'local'): Promise<Tokens> {
    const { store, ledger, clock } = this.parts;
    await this.#admit(person);
    await ledger.record({ type: 'user.login', person: person.id, method });
    const [id, secret, now] = [randomBytes(16).toString('base64url'), newSecret(), clock.now()];
    const session: Session = {
      ...{ id, person: person.id, hash: hashOf(secret) },
      ...{ authMs, createdMs: now, usedMs: now },
    };
    await store.openSession(session, LOGINS_MAX);
    return this.#tokens(person, session, secret);
  }

  /** The next tokens of a login. LOGIN_REQUIRED for one that has ended, and for a token that was used before. */
  async refresh(refreshToken: string): Promise<Tokens> {
    const { store, clock } = this.parts;
    const [session, secret] = await this.#find(refreshToken);
    const now = clock.now();
    const ended = now - session.usedMs > IDLE_MS || now - session.createdMs > LOGIN_MS_MAX;
    const next = newSecret();
    if (ended || !(await store.rotateSession(session.id, hashOf(secret), hashOf(next), now))) {
      await store.closeSession(session.id);
      throw new Fault('LOGIN_REQUIRED');
    }
    const person = await store.find(session.person);
    if (!person) throw new Fault('LOGIN_REQUIRED');
    await this.#admit(person);
    return this.#tokens(person, session, next);
  }

  /** Ends the login of a refresh token, an old one's too; nothing happens for one that has ended. */
  async close(refreshToken: string): Promise<void> {
    const { store } = this.parts;
    const [id] = partsOf(refreshToken) ?? [];
    if (id !== undefined) await store.closeSession(id);
  }

  async #find(refreshToken: string): Promise<[Session, string]> {
    const [id, secret] = partsOf(refreshToken) ?? [];
    const session = id === undefined ? undefined : await this.parts.store.findSession(id);
    if (!session || secret === undefined) throw new Fault('LOGIN_REQUIRED');
    return [session, secret];
  }

  async #admit({ id, grants, disabledMs }: PersonRecord): Promise<void> {
    const code = disabledMs !== null ? 'ACCESS_DENIED' : grants.length === 0 ? 'ACCOUNT_UNKNOWN' : undefined;
    if (code === undefined) return;
    await this.parts.denials.note(code);
    throw new Fault(code, { person: id });
  }

  async #tokens({ id, grants }: PersonRecord, session: Session, secret: string): Promise<Tokens> {
    const roles = [...new Set(grants.map(({ role }) => role))];
    return {
      accessToken: await this.parts.tokens.issue(id, roles, session.authMs),
      expiresInSeconds: ACCESS_TOKEN_SECONDS,
      refreshToken: `${PREFIX}${session.id}.${secret}`,
      person: id,
      roles,
    };
  }
}

/** So that a token that lies about somewhere can be told for what it is. */
const PREFIX = 'consilium-refresh.';

function partsOf(token: string): [id: string, secret: string] | undefined {
  const match = /^consilium-refresh\.([\w-]{22})\.([\w-]{43})$/.exec(token);
  return match ? [match[1]!, match[2]!] : undefined;
}
