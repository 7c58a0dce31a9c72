import { Fault, type Clock } from '@consilium/stdx';
import type { Accounts } from './accounts.js';
import type { Denials } from './denials.js';
import type { LoginCodes } from './login-codes.js';
import type { Checks, OidcProvider } from './oidc-provider.js';
import { newSecret, sameSecret } from './secrets.js';

/** The program that asked for a login: where it listens, what it keeps a secret of, and a word to know the answer by. */
export interface Asking {
  readonly redirectUri: string;
  /** S256 of its verifier. */
  readonly challenge: string;
  readonly state: string;
  readonly stepUp: boolean;
}

interface Pending extends Asking {
  readonly checks: Checks;
  /** What the browser that began holds in a cookie: another browser cannot finish what it began. */
  readonly browser: string;
  readonly untilMs: number;
}

/** Time to find the phone. */
export const PENDING_MS = 10 * 60_000;
const PENDING_MAX = 1_000;

/**
 * A login through the identity provider, for a program on the person's own machine (RFC 8252): the browser goes to the
 * provider, comes back here, and brings the program a one-time code that only it can exchange.
 */
export class OidcLogin {
  readonly #pending = new Map<string, Pending>();

  constructor(
    private readonly parts: {
      readonly provider: OidcProvider | undefined;
      readonly accounts: Accounts;
      readonly codes: LoginCodes;
      readonly denials: Denials;
      readonly clock: Pick<Clock, 'monotonic'>;
    },
  ) {}

  get offered(): boolean {
    return this.parts.provider !== undefined;
  }

  /** LOGIN_METHOD_UNAVAILABLE without a provider; REQUEST_INVALID for an address that is not this machine's own. */
  async begin(asking: Asking, callback: string): Promise<{ location: string; browser: string }> {
    const { provider, clock } = this.parts;
    if (!provider) throw new Fault('LOGIN_METHOD_UNAVAILABLE');
    requireLoopback(asking.redirectUri);
    const { url, checks } = await provider.authorization(callback, asking.stepUp);
    if (this.#pending.size >= PENDING_MAX) this.#pending.delete(this.#pending.keys().next().value!);
    const browser = newSecret();
    this.#pending.set(checks.state, { ...asking, checks, browser, untilMs: clock.monotonic() + PENDING_MS });
    return { location: url, browser };
  }

  /** Where to send the browser on: to the program that asked, with a code, or with the code of what went wrong. */
  async finish(callback: URL, browser: string): Promise<string> {
    const state = callback.searchParams.get('state') ?? '';
    const pending = this.#pending.get(state);
    const known = pending && this.parts.clock.monotonic() < pending.untilMs && sameSecret(browser, pending.browser);
    if (!known) throw await this.#denied(new Fault('LOGIN_FAILED'));
    this.#pending.delete(state);
    const answer = new URL(pending.redirectUri);
    answer.searchParams.set('state', pending.state);
    try {
      answer.searchParams.set('code', await this.#vouched(callback, pending));
    } catch (error) {
      const fault = await this.#denied(Fault.from(error));
      answer.searchParams.set('error', fault.code);
      if (fault.code === 'ACCOUNT_UNKNOWN') answer.searchParams.set('person', String(fault.facts['person']));
    }
    return answer.href;
  }

  async #vouched(callback: URL, { checks, challenge, redirectUri }: Pending): Promise<string> {
    const { provider, accounts, codes } = this.parts;
    const { subject, name, authMs } = await provider!.vouch(callback, checks);
    const { id: person, grants } = await accounts.ofSubject(subject, name);
    // Told already here, so that the person at the browser's side learns which id an admin must know.
    if (grants.length === 0) throw new Fault('ACCOUNT_UNKNOWN', { person });
    return codes.issue({ person, authMs, challenge, redirectUri });
  }

  async #denied(fault: Fault): Promise<Fault> {
    await this.parts.denials.note(fault.code);
    return fault;
  }
}

/** RFC 8252, 7.3: any port of the loopback address by number, since names may be made to lead elsewhere. */
function requireLoopback(redirectUri: string): void {
  const good = URL.canParse(redirectUri) && /^http:\/\/(?:127\.0\.0\.1|\[::1\]):\d{1,5}\/callback$/.test(redirectUri);
  if (!good) throw new Fault('REQUEST_INVALID', { path: 'redirect_uri', expected: 'http://127.0.0.1:PORT/callback' });
}
