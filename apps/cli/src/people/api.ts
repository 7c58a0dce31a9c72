import { Fault } from '@consilium/stdx';
import { z } from 'zod';
import { readAnswer } from '../api/answer.js';

/** What the coordinator answers to somebody who is not logged in yet. */
const methodsShape = z.object({ oidc: z.boolean(), local: z.boolean() });
const tokensShape = z.object({
  accessToken: z.string(),
  expiresInSeconds: z.int().positive(),
  refreshToken: z.string(),
  person: z.string(),
  roles: z.array(z.string()),
});
const enrolmentShape = z.object({ login: z.string(), secret: z.string(), uri: z.string() });
const recoveryShape = z.object({ recoveryCodes: z.array(z.string()) });

export type Tokens = z.infer<typeof tokensShape>;

const CALL_DEADLINE_MS = 30_000;

/** The part of the coordinator's HTTP API that needs no token. Secrets go in bodies, never in addresses. */
export class LoginApi {
  constructor(
    private readonly url: string,
    private readonly signal?: AbortSignal,
  ) {
    requirePrivate(url);
  }

  methods = (): Promise<z.infer<typeof methodsShape>> => this.#ask('login', methodsShape);
  exchange = (given: { code: string; verifier: string; redirectUri: string }): Promise<Tokens> =>
    this.#ask('login/code', tokensShape, given);
  local = (given: { login: string; password: string; code: string }): Promise<Tokens> =>
    this.#ask('login/local', tokensShape, given);
  refresh = (refreshToken: string): Promise<Tokens> => this.#ask('login/refresh', tokensShape, { refreshToken });
  logout = (refreshToken: string): Promise<unknown> => this.#ask('login/logout', z.unknown(), { refreshToken });
  beginSetup = (secret: string): Promise<z.infer<typeof enrolmentShape>> =>
    this.#ask('login/setup', enrolmentShape, { secret });
  completeSetup = (given: { secret: string; password: string; code: string }): Promise<z.infer<typeof recoveryShape>> =>
    this.#ask('login/setup/complete', recoveryShape, given);

  /** Where the browser begins. */
  browserAddress(redirectUri: string, challenge: string, state: string, stepUp: boolean): string {
    const address = new URL('/api/v1/login/oidc', this.url);
    address.searchParams.set('redirect_uri', redirectUri);
    address.searchParams.set('code_challenge', challenge);
    address.searchParams.set('state', state);
    if (stepUp) address.searchParams.set('step_up', 'true');
    return address.href;
  }

  async #ask<T>(path: string, shape: z.ZodType<T>, body?: unknown): Promise<T> {
    const deadline = AbortSignal.timeout(CALL_DEADLINE_MS);
    try {
      const response = await fetch(new URL(`/api/v1/${path}`, this.url), {
        method: body === undefined ? 'GET' : 'POST',
        headers: { accept: 'application/json', ...(body !== undefined && { 'content-type': 'application/json' }) },
        body: body === undefined ? undefined : JSON.stringify(body),
        // A redirect could carry a password to another place.
        redirect: 'error',
        signal: this.signal ? AbortSignal.any([this.signal, deadline]) : deadline,
      });
      return await readAnswer(response, shape);
    } catch (error) {
      if (error instanceof Fault) throw error;
      if (this.signal?.aborted) throw new Fault('CANCELLED', {}, error);
      throw new Fault(deadline.aborted ? 'TIMEOUT' : 'UNAVAILABLE', {}, error);
    }
  }
}

/** A password goes by TLS, or not beyond this machine. */
function requirePrivate(url: string): void {
  const { protocol, hostname } = new URL(url);
  const here = hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
  if (protocol !== 'https:' && !here) {
    throw new Fault('SETTINGS_INVALID', { setting: '--url', expected: 'an https address, or one of this machine' });
  }
}
