import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CATALOGUE, type Code } from '@consilium/stdx';
import type { Tokens } from './api.js';

/** The logins of a coordinator in memory: refresh tokens that work once, and a list of what was asked. */
export class LoginServer {
  readonly calls: string[] = [];
  /** Bodies as they came, by path. */
  readonly bodies: Record<string, unknown>[] = [];
  methods = { oidc: true, local: true };
  /** What the next call answers instead of the usual. */
  refusal: Code | undefined;
  /** Lets every answer wait for this. */
  hold: Promise<void> | undefined;
  url = '';
  #issued = 0;
  #server!: Server;

  static async open(): Promise<LoginServer> {
    const fixture = new LoginServer();
    fixture.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = chunks.length ? (JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>) : {};
      const path = request.url!.replace('/api/v1/', '');
      fixture.calls.push(path);
      fixture.bodies.push(body);
      await fixture.hold;
      const [status, value] = fixture.#answer(path, body, request.headers.authorization);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    });
    await new Promise<void>((resolve) => fixture.#server.listen(0, '127.0.0.1', resolve));
    fixture.url = `http://127.0.0.1:${(fixture.#server.address() as AddressInfo).port}`;
    return fixture;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** The next pair; the pairs before it are spent. */
  tokens(): Tokens {
    const n = ++this.#issued;
    return {
      ...{ accessToken: `access-${n}`, expiresInSeconds: 600, refreshToken: `refresh-${n}` },
      ...{ person: 'person-0123456789', roles: ['auditor'] },
    };
  }

  #answer(path: string, body: Record<string, unknown>, authorization: string | undefined): [number, unknown] {
    const refuse = (code: Code): [number, unknown] => {
      return [CATALOGUE[code].http, { error: { code, message: CATALOGUE[code].sentence, facts: {} } }];
    };
    const refusal = this.refusal;
    this.refusal = undefined;
    if (refusal) return refuse(refusal);
    switch (path) {
      case 'login':
        return [200, this.methods];
      case 'login/refresh':
        return body['refreshToken'] === `refresh-${this.#issued}` ? [200, this.tokens()] : refuse('LOGIN_REQUIRED');
      case 'login/local':
      case 'login/code':
        return [200, this.tokens()];
      case 'login/logout':
        return [200, { loggedOut: true }];
      case 'login/setup':
        return [200, { login: 'a.weber', secret: 'ABCDEFGHIJ', uri: 'otpauth://totp/x' }];
      case 'login/setup/complete':
        return [200, { recoveryCodes: ['aaaa-bbbb-cccc-dddd'] }];
      case 'whoami':
        return authorization?.startsWith('Bearer access-')
          ? [200, { person: 'person-0123456789', grants: [{ role: 'researcher', study: 'trial' }], authMs: 0 }]
          : refuse('TOKEN_MISSING');
      default:
        return refuse('NOT_FOUND');
    }
  }
}
