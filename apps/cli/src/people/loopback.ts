import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault, isCode, type Clock } from '@consilium/stdx';

/** Time to log in at the provider. */
const WAIT_MS = 10 * 60_000;

const PAGE = `<!doctype html><meta charset="utf-8"><title>Consilium</title>
<p>You may close this window and go back to the terminal.</p>
`;

/**
 * Listens on this machine for the browser that comes back from a login (RFC 8252, 7.3), for one answer with our state.
 * Whatever else is asked for, is not here.
 */
export class Loopback {
  private constructor(
    private readonly server: Server,
    readonly redirectUri: string,
    /** The one-time code, or the Fault that the coordinator tells; TIMEOUT after ten minutes, CANCELLED when asked to. */
    readonly code: Promise<string>,
  ) {}

  static async open(state: string, clock: Clock, signal?: AbortSignal): Promise<Loopback> {
    let settle!: { resolve: (code: string) => void; reject: (fault: Fault) => void };
    const code = new Promise<string>((resolve, reject) => (settle = { resolve, reject }));
    code.catch(() => undefined); // whoever waits for it hears of it; before that nobody must
    const server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://127.0.0.1');
      if (request.method !== 'GET' || pathname !== '/callback' || searchParams.get('state') !== state) {
        return void response.writeHead(404).end();
      }
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(PAGE);
      const answer = searchParams.get('code');
      if (answer === null) settle.reject(faultIn(searchParams));
      else settle.resolve(answer);
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    const stop = clock.after(WAIT_MS, () => settle.reject(new Fault('TIMEOUT', { afterMs: WAIT_MS })));
    signal?.addEventListener('abort', () => settle.reject(new Fault('CANCELLED')), { once: true });
    server.once('close', stop);
    const { port } = server.address() as AddressInfo;
    return new Loopback(server, `http://127.0.0.1:${port}/callback`, code);
  }

  /** Lets the page be sent, and is gone. */
  close(): void {
    this.server.close();
    this.server.closeIdleConnections();
  }
}

function faultIn(answer: URLSearchParams): Fault {
  const [code, person] = [answer.get('error') ?? '', answer.get('person') ?? ''];
  const known = /^person-[0-9a-z]{10,26}$/.test(person);
  return new Fault(isCode(code) ? code : 'LOGIN_FAILED', known ? { person } : {});
}
