import { Fault, parseShape, type Digest } from '@consilium/stdx';
import { z } from 'zod';
import type { Shelf } from './bundle.js';
import type { Source, SourceLog } from './source.js';

/** Where the coordinator serves its evidence, below its address. */
const API = '/api/v1/';
const PLACES: Readonly<Record<Shelf, (digest: Digest) => string>> = {
  document: (digest) => `ledger/documents/${digest}`,
  model: (digest) => `ledger/models/${digest}`,
  update: (digest) => `ledger/retained/${digest}`,
};
const shardsShape = z.object({ shards: z.array(z.string().regex(/^\d{4}(?:-\d{1,3})?$/)).max(1000) });

/** No file of the evidence takes longer than this, or the coordinator counts as gone. */
const ANSWER_DEADLINE_MS = 120_000;

export interface UrlTerms {
  readonly url: string;
  readonly token: string;
  readonly signal: AbortSignal;
  /** The runtime's own; another one is for tests. */
  readonly fetch?: typeof fetch;
}

/**
 * A coordinator's evidence over its HTTP API, with the token of somebody who may read it; each page that is read is an
 * entry of its log. Faults: SETTINGS_INVALID for no address, TOKEN_MISSING and ACCESS_DENIED as the coordinator says,
 * UNAVAILABLE where it does not answer.
 */
export function urlSource({ url, token, signal, fetch: ask = fetch }: UrlTerms): Source {
  if (!/^https?:\/\/./.test(url) || !URL.canParse(url))
    throw new Fault('SETTINGS_INVALID', { setting: '--url', expected: 'an http or https address' });
  const get = async (path: string): Promise<Uint8Array | undefined> => {
    const response = await send(path);
    if (response.status === 404) return undefined;
    if (response.status === 401) throw new Fault('TOKEN_MISSING');
    if (response.status === 403) throw new Fault('ACCESS_DENIED');
    if (!response.ok) throw new Fault('UNAVAILABLE', { status: response.status });
    return new Uint8Array(await response.arrayBuffer().catch(unavailable));
  };
  const send = (path: string): Promise<Response> =>
    ask(new URL(API + path, url), {
      headers: { authorization: `Bearer ${token}` },
      // A redirect could carry the token to another place.
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_DEADLINE_MS)]),
    }).catch(unavailable);

  return {
    logs: async () => {
      const bytes = await get('ledger');
      if (!bytes) throw new Fault('NOT_FOUND', { what: 'a log at this address' });
      const { shards } = parseShape(shardsShape, JSON.parse(Buffer.from(bytes).toString()), 'MESSAGE_MALFORMED');
      return shards.map((shard): SourceLog => ({ read: (path) => get(`ledger/${shard}/${path}`) }));
    },
    file: (shelf, digest) => get(PLACES[shelf](digest)),
  };
}

const unavailable = (error: unknown): never => {
  throw new Fault('UNAVAILABLE', {}, error);
};
