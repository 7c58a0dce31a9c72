import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import type { OidcSettings } from './oidc-provider.js';

export const CLIENT = { clientId: 'consilium-hub', clientSecret: 'the-secret-of-the-client' };

/** A real OpenID Connect provider in this process. Whoever comes is `person`, without being asked for a password. */
export class IdentityProvider {
  person = 'subject-1';
  /** What the next one who logs in does instead: closes the door. */
  refuses = false;
  /** How often somebody was asked who they are; an old session is not asked. */
  asked = 0;
  /** When they say that they logged in, if not now. Seconds since 1970. */
  loggedInAt: number | undefined;
  #provider!: Provider;

  private constructor(
    readonly issuer: string,
    private readonly server: Server,
  ) {}

  static async open(): Promise<IdentityProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new IdentityProvider(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
  }

  /** Serves clients that come back to this address. */
  serve(callback: string): void {
    this.#provider = new Provider(this.issuer, {
      clients: [{ client_id: CLIENT.clientId, client_secret: CLIENT.clientSecret, redirect_uris: [callback] }],
      cookies: { keys: ['of the fixture'] },
      claims: { openid: ['sub'], profile: ['name'] },
      conformIdTokenClaims: false,
      features: { devInteractions: { enabled: false } },
      pkce: { required: () => true },
      interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
      findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, name: `Dr. ${id}` }) }),
      ttl: { Session: 86_400, Grant: 86_400, Interaction: 600, IdToken: 600, AccessToken: 600 },
    });
    const oidc = this.#provider.callback();
    this.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (request.url?.startsWith('/interaction/')) void this.#interact(request, response);
      else void oidc(request, response);
    });
  }

  settings = (change: Partial<OidcSettings> = {}): OidcSettings => ({
    issuer: this.issuer,
    ...CLIENT,
    scopes: ['openid', 'profile'],
    ...change,
  });

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params, grantId } = await this.#provider.interactionDetails(request, response);
    if (this.refuses) {
      const refusal = { error: 'access_denied', error_description: 'patient 4711 said no' };
      return this.#provider.interactionFinished(request, response, refusal);
    }
    if (prompt.name === 'login') {
      this.asked++;
      const login = { accountId: this.person, ...(this.loggedInAt !== undefined && { ts: this.loggedInAt }) };
      return this.#provider.interactionFinished(request, response, { login });
    }
    const grant = grantId
      ? await this.#provider.Grant.find(grantId)
      : new this.#provider.Grant({ accountId: this.person, clientId: params['client_id'] });
    grant.addOIDCScope(params['scope']);
    const consent = { grantId: await grant.save() };
    return this.#provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
  }
}

/** As much of a browser as a login needs: cookies by host, and redirects one after the other. */
export class Browser {
  readonly visited: string[] = [];
  readonly #cookies = new Map<string, Map<string, string>>();

  /** Goes on until an address that `stop` names, and answers it; or the last answer where there is no further. */
  async go(address: string, stop: (url: URL) => boolean): Promise<{ url: URL; response?: Response }> {
    let url = new URL(address);
    for (let hops = 0; hops < 20; hops++) {
      if (stop(url)) return { url };
      const response = await this.visit(url);
      const location = response.headers.get('location');
      if (location === null) return { url, response };
      url = new URL(location, url);
    }
    throw new Error('the browser was sent round in circles');
  }

  async visit(url: URL): Promise<Response> {
    this.visited.push(url.href);
    const jar = this.#cookies.get(url.host) ?? new Map<string, string>();
    this.#cookies.set(url.host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: cookie ? { cookie } : {} });
    for (const text of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(text)!;
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(text)) jar.delete(name!);
      else jar.set(name!, value!);
    }
    return response;
  }
}
