import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CATALOGUE, type Code } from '@consilium/stdx';
import type { Run } from '../api/shapes.js';
import { PLAN_DIGEST, runOf } from './run.fixture.js';

export const TOKEN = 'token-of-the-fixture';

/** A coordinator's HTTP API in memory, as far as the contract of its addresses and answers goes. */
export interface FixtureCoordinator {
  readonly url: string;
  /** `GET /api/v1/sites` and so on, in the order in which they came. */
  readonly calls: string[];
  readonly bodies: unknown[];
  runs: Run[];
  models: { digest: string; bytes: Uint8Array }[];
  /** Answers instead of the usual for this call, as often as it is asked. */
  readonly answers: Map<string, (request: IncomingMessage, response: ServerResponse) => void>;
  /** Sends the state of a run to everybody who follows it. */
  push(run: Run): void;
  openStreams(): number;
  /** Breaks all event streams without a word, as a killed process does. */
  breakStreams(): void;
  close(): Promise<void>;
}

export async function fixtureCoordinator(): Promise<FixtureCoordinator> {
  const streams = new Map<ServerResponse, string>();
  const fixture: FixtureCoordinator = {
    url: '',
    calls: [],
    bodies: [],
    runs: [],
    models: [],
    answers: new Map(),
    push(run) {
      fixture.runs = [...fixture.runs.filter((other) => other.id !== run.id), run];
      for (const [stream, id] of streams)
        if (id === run.id) stream.write(`event: run\ndata: ${JSON.stringify(run)}\n\n`);
    },
    openStreams: () => streams.size,
    breakStreams() {
      for (const stream of streams.keys()) stream.destroy();
      streams.clear();
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  const server: Server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(fixture, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = `${request.method} ${request.url}`;
    fixture.calls.push(call);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body: unknown = chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : undefined;
    if (body !== undefined) fixture.bodies.push(body);
    const special = fixture.answers.get(call);
    if (special) return special(request, response);
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return refuse(response, 'TOKEN_MISSING');
    const path = request.url!.replace('/api/v1', '').split('?')[0]!;
    const run = fixture.runs.find(({ id }) => path.startsWith(`/runs/${id}`));
    const model = fixture.models.find(({ digest }) => path.startsWith(`/models/${digest}`));

    if (call.startsWith('GET') && path === '/sites') return answer(response, { sites: [] });
    if (path === '/studies' && request.method === 'POST')
      return answer(response, { ...(body as object), createdMs: 1 }, 201);
    if (path === '/studies') return answer(response, { studies: [] });
    if (path.endsWith('/plans')) return answer(response, { digest: PLAN_DIGEST, plan: body }, 201);
    if (path === '/runs' && request.method === 'GET') return answer(response, { runs: fixture.runs });
    if (path === '/runs') {
      const started = runOf({ id: 'run-00000000new', state: 'approval', round: 0, createdMs: 99 });
      fixture.runs.push(started);
      return answer(response, started, 201);
    }
    if (run && path.endsWith('/events')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      streams.set(response, run.id);
      response.once('close', () => streams.delete(response));
      return void response.write(`: ping\n\nevent: run\ndata: ${JSON.stringify(run)}\n\n`);
    }
    if (run && request.method === 'POST')
      return answer(response, {
        ...run,
        state: path.endsWith('pause') ? 'paused' : path.endsWith('resume') ? 'training' : 'cancelled',
      });
    if (run) return answer(response, run);
    if (path === '/models') return answer(response, { models: fixture.models.map(({ digest }) => modelJson(digest)) });
    if (model && path.endsWith('/weights'))
      return void response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(model.bytes);
    if (model)
      return answer(response, {
        ...modelJson(model.digest),
        manifest: { tensors: [], size: 0 },
        metrics: [],
        rounds: [],
      });
    return refuse(response, 'NOT_FOUND');
  }
}

export const modelOf = (bytes: Uint8Array): { digest: string; bytes: Uint8Array } => ({
  digest: createHash('sha256').update(bytes).digest('hex'),
  bytes,
});

const modelJson = (digest: string) => ({
  digest,
  planDigest: PLAN_DIGEST,
  run: 'run-0a1b2c3d4e',
  round: 20,
  createdMs: 5,
});

export function answer(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export function refuse(response: ServerResponse, code: Code, facts: Record<string, string | number> = {}): void {
  answer(response, { error: { code, message: CATALOGUE[code].sentence, facts } }, CATALOGUE[code].http);
}
