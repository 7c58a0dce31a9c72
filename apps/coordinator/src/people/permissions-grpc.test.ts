import { readdirSync, readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ChannelCredentials, Client, type ServiceDefinition } from '@grpc/grpc-js';
import { manifestOf } from '@consilium/model';
import type { SiteName } from '@consilium/stdx';
import { fromStatus, helloOf, services, type TlsFiles, type UpdateHeaderInit } from '@consilium/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Federation } from '../fixtures/federation.fixture.js';
import { openTestHub, startRun, type TestHub } from '../fixtures/hub.fixture.js';
import { alpha, beta, gamma, planJson, planOf } from '../fixtures/plan.fixture.js';
import { FakeSite, until } from '../fixtures/site.fixture.js';
import { GRPC_TABLE, readTable } from './permissions.fixture.js';

const table = readTable(GRPC_TABLE);
const PEERS = ['nobody', 'own', 'another', 'coordinator'] as const;
type Peer = (typeof PEERS)[number];

const methods = Object.values(services as unknown as Record<string, ServiceDefinition>).flatMap((service) =>
  Object.values(service).map((method) => ({
    ...method,
    name: method.path.replace(/^\/consilium\.v1\./, '').replace('/', '.'),
  })),
);

let federation: Federation;
let hub: TestHub;
/** What alpha is to send in the round that is under way; gamma has no part in it. */
let header: UpdateHeaderInit;
const working: FakeSite[] = [];
const clients = new Map<Peer, Client>();

beforeAll(async () => {
  federation = await Federation.found();
  for (const name of [alpha, beta, gamma]) certificates.set(name, await federation.site(name));
  hub = await openTestHub(federation);
  const announced = new Promise<UpdateHeaderInit>((resolve) => {
    const send = (site: FakeSite, own: UpdateHeaderInit): Promise<never> => {
      if (site.name === alpha) resolve(own);
      return new Promise(() => {});
    };
    working.push(...[alpha, beta].map((name) => siteOf(name, send)));
  });
  for (const site of working) void site.serve();
  await startRun(hub.call, planJson());
  header = await announced;
  for (const peer of PEERS) clients.set(peer, await clientOf(peer));
});
afterAll(async () => {
  for (const client of clients.values()) client.close();
  for (const site of working) site.close();
  await hub.close();
});

const certificates = new Map<SiteName, TlsFiles>();
const siteOf = (name: SiteName, send: NonNullable<ConstructorParameters<typeof FakeSite>[3]['send']>): FakeSite =>
  new FakeSite(name, hub.grpc, certificates.get(name)!, { manifest: manifestOf(planOf().plan.model), send });

async function clientOf(peer: Peer): Promise<Client> {
  const ca = federation.root.certificatePem;
  const { certificate, privateKey } =
    peer === 'coordinator'
      ? hub.resources.hub.certificate.files
      : peer === 'nobody'
        ? { certificate: undefined, privateKey: undefined }
        : certificates.get(peer === 'own' ? alpha : gamma)!;
  const context = createSecureContext({ ca, cert: certificate, key: privateKey, minVersion: 'TLSv1.3' });
  const check = { checkServerIdentity: (): undefined => undefined };
  return new Client(`dns:${hub.grpc}`, ChannelCredentials.createFromSecureContext(context, check));
}

/** A request of each method that is good for alpha in this round; those of enrolment are noise. */
function requestOf(name: string): object {
  if (name === 'Sites.Greet') return helloOf('test');
  if (name === 'Rounds.Session') return { hello: helloOf('test') };
  if (name === 'Updates.Query') return header;
  if (name === 'Updates.Upload') return { header: { ...header, statement: Buffer.alloc(0) } };
  if (name === 'Models.Download') return { digest: header.modelDigest, offset: 0 };
  return { token: 'none', envelope: Buffer.from('{}') };
}

const IN_UPLOAD: ReadonlySet<string> = new Set(['UPDATE_STATEMENT_INVALID', 'ENVELOPE_INVALID']);

/** Calls a method as a peer: `in` where the method itself answered, else the code by which the peer was refused. */
async function call({ name, ...method }: (typeof methods)[number], peer: Peer): Promise<string> {
  const client = clients.get(peer)!;
  const { path, requestSerialize, responseDeserialize } = method;
  const options = { deadline: Date.now() + 10_000 };
  const error = await new Promise<unknown>((resolve) => {
    const request = requestOf(name);
    const done = (refusal: unknown): void => resolve(refusal);
    if (!method.requestStream && !method.responseStream) {
      return client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, options, done);
    }
    if (!method.responseStream) {
      const upload = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, options, done);
      upload.on('error', done);
      upload.write(request);
      return upload.end();
    }
    const stream = method.requestStream
      ? client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, options)
      : client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, options);
    stream.on('error', done);
    stream.once('data', () => {
      done(null);
      stream.cancel();
    });
    if ('write' in stream) stream.write(request);
  });
  if (error === null) return 'in';
  const { code } = fromStatus(error);
  if (code === 'UNAVAILABLE') return 'cut off';
  // Only the method itself looks at what an upload's statement says.
  return name === 'Updates.Upload' && IN_UPLOAD.has(code) ? 'in' : code;
}

describe('the table of permissions at the hospitals’ door', () => {
  it('has a row for each method of the protos, and for no other', () => {
    const folder = new URL('../../../../protos/consilium/v1/', import.meta.url);
    const declared = readdirSync(folder).flatMap((file) => {
      const text = readFileSync(new URL(file, folder), 'utf8');
      return [...text.matchAll(/^service (\w+) \{([\s\S]*?)^\}/gm)].flatMap(([, service, body]) =>
        [...body!.matchAll(/^\s*rpc (\w+)\(/gm)].map(([, method]) => `${service}.${method}`),
      );
    });
    expect([...table.keys()].sort()).toEqual([...declared].sort());
    expect(methods.map(({ name }) => name).sort()).toEqual([...declared].sort());
  });
});

describe('every method × every peer', () => {
  it('answers as the table says', async () => {
    // The round is under way, and alpha has a part in it that gamma has not.
    await until(async () => working[0]!.heard.some(({ roundOffer }) => roundOffer));
    const [wrong, tried]: [string[], string[]] = [[], []];
    // Sessions last: a new one of alpha ends the one that plays its part.
    const ordered = [...methods].sort(
      (a, b) => Number(a.path.includes('Session')) - Number(b.path.includes('Session')),
    );
    for (const method of ordered)
      for (const peer of PEERS) {
        const [came, wanted] = [await call(method, peer), table.get(method.name)![peer]];
        tried.push(method.name);
        if (came !== wanted) wrong.push(`${method.name} ${peer}: expected ${wanted}, came ${came}`);
      }
    expect(wrong).toEqual([]);
    expect(tried).toHaveLength(4 * methods.length);
    process.stdout.write(`permissions: ${methods.length} gRPC methods, ${tried.length} combinations\n`);
  });

  it('hangs on the certificate alone (the control: the same call is in with that of a site of the run)', async () => {
    const query = methods.find(({ name }) => name === 'Updates.Query')!;
    expect([await call(query, 'own'), await call(query, 'another')]).toEqual(['in', 'SITE_NOT_IN_PLAN']);
    clients.get('another')!.close();
    certificates.set(gamma, certificates.get(alpha)!);
    clients.set('another', await clientOf('another'));
    expect(await call(query, 'another')).toBe('in');
  });
});
