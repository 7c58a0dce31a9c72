import { Fault, type Clock } from '@consilium/stdx';
import type { Attempts } from './attempts.js';
import type { Denials } from './denials.js';
import type { Logins, Tokens } from './logins.js';
import { newRecoveryCodes, newTotpSecret, recoveryCode, totpEnrolment, totpStepOf } from './one-time-codes.js';
import type { Passwords } from './password.js';
import type { PersonId } from './person-id.js';
import type { Sealing } from './sealing.js';
import { hashOf } from './secrets.js';
import type { Credential, PeopleStore, PersonRecord, Setup } from './store.js';

export interface LocalParts {
  readonly store: PeopleStore;
  readonly logins: Logins;
  readonly passwords: Passwords;
  readonly sealing: Sealing;
  readonly denials: Denials;
  readonly perAccount: Attempts;
  readonly perAddress: Attempts;
  readonly clock: Clock;
  readonly federation: string;
}

/** Accounts of this coordinator itself, for consortia without an identity provider: a password, and a second factor. */
export class LocalLogin {
  constructor(private readonly parts: LocalParts) {}

  /**
   * LOGIN_FAILED, ACCOUNT_LOCKED or OVERLOADED, whoever asks and whatever was wrong: the same steps are taken, in the
   * same time, for a name that nobody has.
   */
  async login(given: { login: string; password: string; code: string }, address: string): Promise<Tokens> {
    const { store, passwords, logins, perAccount, perAddress, clock } = this.parts;
    perAddress.begin(address);
    perAccount.begin(given.login);
    const person = await store.findByLogin(given.login);
    const credential = person && (await store.credential(person.id));
    const step = totpStepOf(this.#totpOf(person, credential), given.code, clock.now());
    const passwordGood = await passwords.verify(given.password, credential?.password);
    const good = person?.disabledMs === null && passwordGood && (await this.#useCode(person.id, step, given.code));
    if (!good) throw await this.#refused();
    perAccount.succeeded(given.login);
    perAddress.forgive(address);
    return logins.open(person, clock.now(), 'local');
  }

  /** What the person's authenticator app is to be given; the same again until it is completed. */
  async beginSetup(secret: string, address: string): Promise<{ login: string; secret: string; uri: string }> {
    const { store, sealing, perAddress, federation } = this.parts;
    perAddress.begin(address);
    const { person, setup } = await this.#setup(secret);
    const totp = setup.totp === null ? newTotpSecret() : sealing.open(setup.totp, person.id);
    if (setup.totp === null) await store.beginSetup(person.id, { ...setup, totp: sealing.seal(totp, person.id) });
    perAddress.forgive(address);
    const login = person.login ?? person.name;
    return { login, ...totpEnrolment(totp, login, federation) };
  }

  /** Sets the password and the second factor, once, and answers the recovery codes, which are shown only now. */
  async completeSetup(
    given: { secret: string; password: string; code: string },
    address: string,
  ): Promise<{ recoveryCodes: readonly string[] }> {
    const { store, sealing, passwords, perAddress, clock } = this.parts;
    perAddress.begin(address);
    const { person, setup } = await this.#setup(given.secret);
    if (setup.totp === null) throw await this.#refused();
    const totpStep = totpStepOf(sealing.open(setup.totp, person.id), given.code, clock.now());
    if (totpStep === undefined) throw await this.#refused();
    const password = await passwords.hash(given.password, [person.login ?? '', person.name]);
    const recoveryCodes = newRecoveryCodes();
    const credential: Credential = { password, totp: setup.totp, totpStep };
    if (!(await store.completeSetup(setup.hash, credential, recoveryCodes.map(hashOf)))) throw await this.#refused();
    perAddress.forgive(address);
    return { recoveryCodes };
  }

  /** A code of the app, whose time step no earlier login has used, or one of the recovery codes. */
  async #useCode(id: PersonId, step: number | undefined, code: string): Promise<boolean> {
    const { store } = this.parts;
    if (step !== undefined) return store.useTotpStep(id, step);
    const recovery = recoveryCode(code);
    return recovery !== undefined && store.useRecoveryCode(id, hashOf(recovery));
  }

  /** Who has none is compared with one that nobody has. */
  #totpOf(person: PersonRecord | undefined, credential: Credential | undefined): Uint8Array {
    return person && credential ? this.parts.sealing.open(credential.totp, person.id) : newTotpSecret();
  }

  async #setup(secret: string): Promise<{ person: PersonRecord; setup: Setup }> {
    const { store, clock } = this.parts;
    const found = await store.findSetup(hashOf(secret));
    const person = found && (await store.find(found.person));
    if (!person || person.disabledMs !== null || found.setup.expiresMs < clock.now()) throw await this.#refused();
    return { person, setup: found.setup };
  }

  async #refused(): Promise<Fault> {
    await this.parts.denials.note('LOGIN_FAILED');
    return new Fault('LOGIN_FAILED');
  }
}
