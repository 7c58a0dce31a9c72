import { Fault } from '@consilium/stdx';
import type * as Oidc from 'openid-client';
import { isLoopback } from '../settings.js';
import type { Subject } from './store.js';

/** The setting `people.oidc`: the identity provider that the federation trusts, and us as its client. */
export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined for a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined;
  readonly scopes: readonly string[];
}

/** What must be remembered between the way to the provider and the way back. */
export interface Checks {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly maxAgeSeconds: number;
}

/** Who the provider says it is, and when they proved it to the provider. */
export interface Vouched {
  readonly subject: Subject;
  readonly name: string;
  readonly authMs: number;
}

/** A session at the provider that is older than this does not count as a login here. */
const MAX_AGE_SECONDS = 12 * 60 * 60;
/** A step-up: the provider must ask again, whatever session it has. */
const STEP_UP_MAX_AGE_SECONDS = 5 * 60;
const ANSWER_SECONDS = 10;

/** Our side of OpenID Connect Core 1.0: the code flow, with PKCE (RFC 7636), state and nonce, and a proof of its age. */
export class OidcProvider {
  #discovered: Promise<Oidc.Configuration> | undefined;

  constructor(private readonly settings: OidcSettings) {}

  /** Where to send the browser. IDENTITY_PROVIDER_UNAVAILABLE when the provider does not say where that is. */
  async authorization(redirectUri: string, stepUp: boolean): Promise<{ url: string; checks: Checks }> {
    const oidc = await library();
    const checks: Checks = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      verifier: oidc.randomPKCECodeVerifier(),
      maxAgeSeconds: stepUp ? STEP_UP_MAX_AGE_SECONDS : MAX_AGE_SECONDS,
    };
    const url = oidc.buildAuthorizationUrl(await this.#configuration(), {
      redirect_uri: redirectUri,
      scope: this.settings.scopes.join(' '),
      state: checks.state,
      nonce: checks.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(checks.verifier),
      code_challenge_method: 'S256',
      // Makes the provider tell when they logged in (section 3.1.2.1).
      max_age: String(checks.maxAgeSeconds),
      ...(stepUp && { prompt: 'login' }),
    });
    return { url: url.href, checks };
  }

  /**
   * Who came back. LOGIN_FAILED when the provider refused, or anything of its answer is not as it must be: its
   * signature, issuer, audience, nonce, state, verifier or age.
   */
  async vouch(callback: URL, { state, nonce, verifier, maxAgeSeconds }: Checks): Promise<Vouched> {
    const oidc = await library();
    const configuration = await this.#configuration();
    const claims = await oidc
      .authorizationCodeGrant(configuration, callback, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        maxAge: maxAgeSeconds,
        idTokenExpected: true,
      })
      .then((tokens) => tokens.claims())
      .catch((error: unknown) => {
        throw new Fault('LOGIN_FAILED', {}, error);
      });
    if (claims?.auth_time === undefined) throw new Fault('LOGIN_FAILED', { expected: 'the claim auth_time' });
    const name = [claims['name'], claims['preferred_username'], claims['email'], claims.sub].find(isName)!;
    return { subject: { issuer: claims.iss, subject: claims.sub }, name, authMs: claims.auth_time * 1000 };
  }

  /** Asked for once; again at the next login when it could not be had. */
  async #configuration(): Promise<Oidc.Configuration> {
    this.#discovered ??= this.#discover();
    try {
      return await this.#discovered;
    } catch (error) {
      this.#discovered = undefined;
      throw new Fault('IDENTITY_PROVIDER_UNAVAILABLE', {}, error);
    }
  }

  async #discover(): Promise<Oidc.Configuration> {
    const oidc = await library();
    const { issuer, clientId, clientSecret } = this.settings;
    const server = new URL(issuer);
    const authentication = clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(clientSecret);
    // Without TLS only on this machine, where nobody is in between; the settings refuse it elsewhere.
    const execute = server.protocol === 'http:' && isLoopback(server.hostname) ? [oidc.allowInsecureRequests] : [];
    return oidc.discovery(server, clientId, undefined, authentication, { execute, timeout: ANSWER_SECONDS });
  }
}

/** Loaded at the first login: a coordinator without a provider starts without it. */
const library = (): Promise<typeof Oidc> => import('openid-client');

const NAME_MAX = 200;
const isName = (claim: unknown): claim is string =>
  typeof claim === 'string' && claim.trim() !== '' && claim.length <= NAME_MAX;
