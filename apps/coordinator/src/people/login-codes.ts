import { createHash } from 'node:crypto';
import { Fault, type Clock } from '@consilium/stdx';
import { hashOf, newSecret } from './secrets.js';
import type { PersonId } from './person-id.js';
import type { SecretHash } from './store.js';

/** Who a browser has proved to be, and for whom. */
export interface ProvedLogin {
  readonly person: PersonId;
  readonly authMs: number;
  /** SHA-256 of the verifier that the program at the other end keeps (RFC 7636, S256). */
  readonly challenge: string;
  readonly redirectUri: string;
}

/** A program that listens has the code at once. */
const CODE_MS = 60_000;
const CODES_MAX = 1_000;

/** One-time codes between the browser, which proved who somebody is, and the program that started it (RFC 8252). */
export class LoginCodes {
  readonly #logins = new Map<SecretHash, ProvedLogin & { readonly untilMs: number }>();

  constructor(private readonly clock: Pick<Clock, 'monotonic'>) {}

  issue(login: ProvedLogin): string {
    const code = newSecret();
    if (this.#logins.size >= CODES_MAX) this.#logins.delete(this.#logins.keys().next().value!);
    this.#logins.set(hashOf(code), { ...login, untilMs: this.clock.monotonic() + CODE_MS });
    return code;
  }

  /** Once: a code that was tried with a wrong verifier is spent too. LOGIN_FAILED for every reason alike. */
  redeem(code: string, verifier: string, redirectUri: string): ProvedLogin {
    const hash = hashOf(code);
    const login = this.#logins.get(hash);
    this.#logins.delete(hash);
    const good =
      login !== undefined &&
      this.clock.monotonic() < login.untilMs &&
      challengeOf(verifier) === login.challenge &&
      redirectUri === login.redirectUri;
    if (!good) throw new Fault('LOGIN_FAILED');
    return login;
  }
}

/** RFC 7636, 4.2. */
export const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');
