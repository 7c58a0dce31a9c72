import type { Branded } from '@consilium/stdx';
import type { PersonId } from './person-id.js';
import type { Grant } from './roles.js';

/** An account. The only place where a name stands beside a pseudonym; erasing it leaves every log as it is. */
export interface PersonRecord {
  readonly id: PersonId;
  /** For other people's eyes. */
  readonly name: string;
  /** What somebody with a local account types; null for people of the identity provider. */
  readonly login: string | null;
  /** Who this is at the identity provider (OpenID Connect Core 1.0, section 5.7); null for local accounts. */
  readonly subject: Subject | null;
  readonly grants: readonly Grant[];
  readonly createdMs: number;
  readonly disabledMs: number | null;
}

/** An issuer's name for a person: neither half means anything without the other. */
export interface Subject {
  readonly issuer: string;
  readonly subject: string;
}

/** How a local account proves itself. */
export interface Credential {
  /** A PHC string of Argon2id. */
  readonly password: string;
  /** The secret of the one-time codes, sealed with a key that is not in the database. */
  readonly totp: string;
  /** The last time step whose code was used: neither it nor an older one counts again. */
  readonly totpStep: number;
}

/** A one-time secret with which a person sets up password and one-time codes. */
export interface Setup {
  readonly hash: SecretHash;
  readonly expiresMs: number;
  /** The sealed secret of one-time codes that was shown to them, once it was. */
  readonly totp: string | null;
}

/** SHA-256 of a secret of at least 80 random bits, 64 hexadecimal digits. */
export type SecretHash = Branded<'SecretHash'>;

/** One login and all refresh tokens that came of it. */
export interface Session {
  readonly id: string;
  readonly person: PersonId;
  /** Of the newest refresh token; every older one is spent. */
  readonly hash: SecretHash;
  /** When the person last proved who they are. */
  readonly authMs: number;
  readonly createdMs: number;
  readonly usedMs: number;
}

/** Accounts and logins. Whatever says "once" holds between any number of callers at once. */
export interface PeopleStore {
  /** ALREADY_EXISTS where the login or the subject is taken. */
  create(person: PersonRecord): Promise<void>;
  find(id: PersonId): Promise<PersonRecord | undefined>;
  findByLogin(login: string): Promise<PersonRecord | undefined>;
  findBySubject(subject: Subject): Promise<PersonRecord | undefined>;
  /** Oldest first. */
  list(): Promise<readonly PersonRecord[]>;
  count(): Promise<number>;

  /** Idempotent, both. */
  grant(id: PersonId, grant: Grant): Promise<void>;
  revoke(id: PersonId, grant: Grant): Promise<void>;
  /** Ends their logins too. */
  disable(id: PersonId, atMs: number): Promise<void>;
  /** The account with all that belongs to it, for good. */
  erase(id: PersonId): Promise<void>;

  /** Replaces one that was begun before; the old credential holds until it is completed. */
  beginSetup(id: PersonId, setup: Setup): Promise<void>;
  findSetup(hash: SecretHash): Promise<{ readonly person: PersonId; readonly setup: Setup } | undefined>;
  /** Once for each setup: false if it is gone. Old recovery codes and logins go with the old credential. */
  completeSetup(hash: SecretHash, credential: Credential, recovery: readonly SecretHash[]): Promise<boolean>;
  credential(id: PersonId): Promise<Credential | undefined>;
  /** Whether the step is newer than every one used; from then on it is not. */
  useTotpStep(id: PersonId, step: number): Promise<boolean>;
  /** Whether it was one of theirs and unused. */
  useRecoveryCode(id: PersonId, hash: SecretHash): Promise<boolean>;

  /** Drops the person's oldest beyond `keep`, this one counted. */
  openSession(session: Session, keep: number): Promise<void>;
  findSession(id: string): Promise<Session | undefined>;
  /** Whether `from` was the newest token; from then on it is `to`. */
  rotateSession(id: string, from: SecretHash, to: SecretHash, atMs: number): Promise<boolean>;
  closeSession(id: string): Promise<void>;
}
