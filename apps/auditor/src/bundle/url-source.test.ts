import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { audit } from '../audit/audit.js';
import { nodeTools } from '../audit/tools.js';
import { SmallFederation } from '../testing/federation.fixture.js';
import { pathOn } from './bundle.js';
import { gather } from './gather.js';
import { urlSource } from './url-source.js';
import type { Digest } from '@consilium/stdx';

let server: Server | undefined;
afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())));

/** Serves paths below `/api/v1/`; a number is a status. */
async function serve(answer: (path: string, token: string | undefined) => Uint8Array | string | number | undefined) {
  server = createServer((request, response) => {
    const answered = answer(request.url!.replace('/api/v1/', ''), request.headers.authorization);
    if (typeof answered === 'number') response.writeHead(answered, { location: '/elsewhere' }).end();
    else if (answered === undefined) response.writeHead(404).end();
    else response.end(answered);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const signal = new AbortController().signal;
const source = (url: string) => urlSource({ url, token: 'token', signal });

describe('a coordinator’s evidence over HTTP', () => {
  it('is its log, and the documents, models and updates that the log leads to', async () => {
    const { hub, files, bundle, parties } = await SmallFederation.run();
    const url = await serve((path, token) => {
      if (token !== 'Bearer token') return 401;
      if (path === 'ledger') return JSON.stringify({ shards: ['2026'] });
      if (path.startsWith('ledger/2026/')) return hub.storage.files.get(path.slice('ledger/2026/'.length));
      const [, shelf, digest] = /^ledger\/(documents|models|retained)\/([0-9a-f]{64})$/.exec(path) ?? [];
      const on = { documents: 'document', models: 'model', retained: 'update' } as const;
      return shelf ? files.get(pathOn(on[shelf as keyof typeof on], digest as Digest)) : undefined;
    });
    const fetched = await gather([source(url)], { after: () => () => {} });
    expect(fetched.paths).toEqual(bundle.paths.filter((path) => !path.includes('/site/')));
    const { findings } = await audit(fetched, parties.policy, nodeTools());
    expect(new Set(findings.map(({ code }) => code))).toEqual(new Set(['LOG_MISSING']));
  });

  it.each([
    [401, 'TOKEN_MISSING'],
    [403, 'ACCESS_DENIED'],
    [404, 'NOT_FOUND'],
    [500, 'UNAVAILABLE'],
    // A redirect is not followed: it could carry the token to another place.
    [302, 'UNAVAILABLE'],
  ])('answered with status %i is %s', async (status, code) => {
    const url = await serve(() => status);
    await expect(source(url).logs()).rejects.toMatchObject({ code });
  });

  it('is UNAVAILABLE where nobody answers', async () => {
    const url = await serve(() => 200);
    await new Promise<void>((resolve) => server!.close(() => resolve()));
    server = undefined;
    await expect(source(url).logs()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('is MESSAGE_MALFORMED for a list of shards that could lead elsewhere', async () => {
    const url = await serve(() => JSON.stringify({ shards: ['../../models'] }));
    await expect(source(url).logs()).rejects.toMatchObject({ code: 'MESSAGE_MALFORMED' });
  });

  it('needs an address', () => {
    for (const url of ['', 'ftp://hub', 'hub.example']) expect(() => source(url)).toThrow(/SETTINGS_INVALID|setting/i);
  });
});
