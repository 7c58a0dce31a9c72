import { lockState } from '@consilium/machine';
import { Fault, type Clock } from '@consilium/stdx';
import { LoginApi, type Tokens } from './api.js';
import type { LoginFile, Logins } from './login-file.js';

/** A token that is about to expire is not shown any more: it may on the way. */
const EARLY_MS = 30_000;
/** Another `consilium` refreshes in far less. */
const LOCK_TRIES = 100;
const LOCK_WAIT_MS = 100;

/** This person's logins: kept between commands, refreshed when needed, by one command at a time. */
export class KeptLogins {
  constructor(
    private readonly file: LoginFile,
    private readonly clock: Clock,
    private readonly signal?: AbortSignal,
  ) {}

  /** The coordinator that was logged in to last. */
  async current(): Promise<string | undefined> {
    return (await this.file.read()).current ?? undefined;
  }

  async has(url: string): Promise<boolean> {
    return originOf(url) in (await this.file.read()).logins;
  }

  /** An access token that is good for a while. LOGIN_REQUIRED where there is no login, or it has ended. */
  async token(url: string): Promise<string> {
    const fresh = async (): Promise<string | undefined> => this.#fresh(await this.file.read(), url);
    return (await fresh()) ?? this.#locked(() => this.#refresh(url), fresh);
  }

  /** Keeps a new login and ends the one that it replaces. */
  async keep(url: string, tokens: Tokens): Promise<void> {
    await this.#locked(async () => {
      const before = (await this.file.read()).logins[originOf(url)];
      await this.#write(url, tokens, originOf(url));
      // The new login counts, whether the old one could be ended or not; it ends by itself.
      if (before) await new LoginApi(url, this.signal).logout(before.refreshToken).catch(() => undefined);
    });
  }

  /** Forgets a login, here and there. Answers whether there was one. */
  async end(url: string): Promise<boolean> {
    return this.#locked(async () => {
      const login = (await this.file.read()).logins[originOf(url)];
      if (!login) return false;
      await this.#forget(url);
      await new LoginApi(url, this.signal).logout(login.refreshToken);
      return true;
    });
  }

  async #refresh(url: string): Promise<string> {
    const logins = await this.file.read();
    // Another command may have been here while this one waited.
    const fresh = this.#fresh(logins, url);
    if (fresh !== undefined) return fresh;
    const login = logins.logins[originOf(url)];
    if (!login) throw new Fault('LOGIN_REQUIRED');
    try {
      const tokens = await new LoginApi(url, this.signal).refresh(login.refreshToken);
      await this.#write(url, tokens);
      return tokens.accessToken;
    } catch (error) {
      if (Fault.is(error, 'LOGIN_REQUIRED')) await this.#forget(url);
      throw error;
    }
  }

  #fresh({ logins }: Logins, url: string): string | undefined {
    const login = logins[originOf(url)];
    return login && login.expiresMs - this.clock.now() > EARLY_MS ? login.accessToken : undefined;
  }

  /** Refreshing a login does not make it the current one. */
  async #write(url: string, tokens: Tokens, newCurrent?: string): Promise<void> {
    const { accessToken, expiresInSeconds, refreshToken, person } = tokens;
    const { schema, current, logins } = await this.file.read();
    const expiresMs = this.clock.now() + 1000 * expiresInSeconds;
    const login = { accessToken, expiresMs, refreshToken, person };
    await this.file.write({ schema, current: newCurrent ?? current, logins: { ...logins, [originOf(url)]: login } });
  }

  async #forget(url: string): Promise<void> {
    const { schema, current, logins } = await this.file.read();
    const { [originOf(url)]: _, ...others } = logins;
    await this.file.write({ schema, current: current === originOf(url) ? null : current, logins: others });
  }

  /**
   * A refresh token works once, so two commands must never use the same one. Whoever waits is done when another command
   * has done the work `meanwhile`. STATE_LOCKED after ten seconds.
   */
  async #locked<T>(work: () => Promise<T>, meanwhile?: () => Promise<T | undefined>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        const lock = await lockState(this.file.folder);
        try {
          return await work();
        } finally {
          await lock.release();
        }
      } catch (error) {
        if (!Fault.is(error, 'STATE_LOCKED') || tries >= LOCK_TRIES) throw error;
        await new Promise<void>((resolve) => void this.clock.after(LOCK_WAIT_MS, resolve));
        const done = await meanwhile?.();
        if (done !== undefined) return done;
      }
    }
  }
}

const originOf = (url: string): string => new URL(url).origin;
