import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import {
  createIntermediate,
  createRoot,
  issueLeaf,
  issueServerLeaf,
  newRequest,
  type Issued,
} from '@consilium/identity';
import { Fault, siteName } from '@consilium/stdx';
import { HubServer, siteChannel, welcomeOf, type HubSession, type Refusal } from '@consilium/wire';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { forgedLeaf, type Flaw } from '../harness/forged-certificates.js';
import { RudePeer, type Shown } from '../harness/rude-peer.js';

const HOST = '127.0.0.1';
const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;
const [berlin, aarhus] = [siteName('berlin'), siteName('aarhus')];

let demo: Pki;
let twin: Pki;
let hub: HubServer;
let port: number;
let good: Required<Shown>;
const refusals: Refusal[] = [];
const revoked = new Set<string>();
const commits: string[] = [];

beforeAll(async () => {
  [demo, twin] = await Promise.all([foundPki(), foundPki()]);
  good = await memberOf(demo, 'berlin');
  hub = await openHub();
  port = await hub.listen(HOST, 0);
  await expectGoodPeer();
});

/** The control: whatever the bad peer did, a good one is served before and after it. */
afterEach(async () => {
  revoked.clear();
  await expectGoodPeer();
  expect(commits).toEqual([]);
  refusals.length = 0;
});

afterAll(() => hub.shutdown(0));

describe('a peer is refused before anything is said', () => {
  it.each([
    ['that speaks TLS 1.2 at most', { maxVersion: 'TLSv1.2' }],
    ['that speaks TLS 1.0 only', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }],
    ['that offers no HTTP/2', { ALPNProtocols: ['http/1.1'] }],
    ['that offers no protocol at all', { ALPNProtocols: undefined }],
  ] as const)('%s', async (_, options) => {
    expect(await handshake(options as ConnectionOptions)).not.toBe('served');
    await expectReported('handshake MESSAGE_MALFORMED');
  });

  it.each([
    ['that sends garbage instead of TLS', 'garbage, and more of it\r\n\r\n'],
    ['that speaks HTTP/2 without TLS', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['that speaks HTTP/1.1 without TLS', 'GET / HTTP/1.1\r\nhost: coordinator\r\n\r\n'],
  ])('%s', async (_, text) => {
    const socket = connectTcp(port, HOST);
    socket.on('error', () => {}).end(text);
    await new Promise((resolve) => socket.once('close', resolve));
    await expectReported('handshake MESSAGE_MALFORMED');
  });

  it('that never ends its handshake', async () => {
    const socket = connectTcp(port, HOST).on('error', () => {});
    await new Promise((resolve) => socket.once('close', resolve));
    await expectReported('handshake TIMEOUT');
  });

  it('that speaks HTTP/1.1 over TLS, with a good certificate', async () => {
    const text = 'GET /consilium.v1.Sites/Greet HTTP/1.1\r\nhost: coordinator\r\n\r\n';
    expect(await handshake({ ALPNProtocols: undefined }, text)).not.toBe('served');
    await expectReported('handshake MESSAGE_MALFORMED');
  });
});

describe('a peer whose certificate does not verify is refused in the handshake, for every call', () => {
  const chain = (leaf: Issued, ...above: Issued[]): Pick<Required<Shown>, 'certificate' | 'privateKey'> => ({
    certificate: [leaf, ...above].map(({ certificatePem }) => certificatePem).join(''),
    privateKey: leaf.privateKeyPem,
  });
  /** What it does to make and to show each of them. */
  const strangers: [string, string, () => Promise<Partial<Shown>>][] = [
    ['of another root', 'PEER_CERTIFICATE_FOREIGN', async () => chain(await forgedLeaf(twin.root), twin.root)],
    [
      'of another intermediate under another root',
      'PEER_CERTIFICATE_FOREIGN',
      async () => ({ ...(await memberOf(twin, 'berlin')), ca: demo.root.certificatePem }),
    ],
    [
      'of another root, with the true intermediate beside it',
      'PEER_CERTIFICATE_FOREIGN',
      async () => chain(await forgedLeaf(twin.intermediate), demo.intermediate),
    ],
    ['signed by itself', 'PEER_CERTIFICATE_FOREIGN', async () => chain(await forgedLeaf(undefined))],
    ['without its intermediate', 'PEER_CERTIFICATE_FOREIGN', async () => chain(await forgedLeaf(demo.intermediate))],
    [
      'that another site has issued',
      'PEER_CERTIFICATE_FOREIGN',
      async () => {
        const site = await forgedLeaf(demo.intermediate);
        return chain(await forgedLeaf(site, { uris: ['spiffe://demo/site/aarhus'] }), site, demo.intermediate);
      },
    ],
    ['that has expired', 'CERTIFICATE_INVALID', () => underIntermediate({ from: -48, until: -1 })],
    ['that is not valid yet', 'CERTIFICATE_INVALID', () => underIntermediate({ from: 1 })],
    ['of the coordinator', 'PEER_NOT_A_SITE', () => memberOf(demo, 'coordinator')],
    ['of the intermediate itself', 'PEER_NOT_A_SITE', async () => chain(demo.intermediate)],
    ['for servers', 'PEER_NOT_A_SITE', () => underIntermediate({ purposes: ['serverAuth'] })],
  ];
  const underIntermediate = async (flaw: Flaw) => chain(await forgedLeaf(demo.intermediate, flaw), demo.intermediate);

  it.each(strangers)('%s', async (_, code, shown) => {
    const peer = rude({ ca: good.ca, ...(await shown()) });
    const codes = [await peer.greet(), await peer.join(joining), await peer.session([hello]), await peer.upload([])];
    expect(new Set(codes)).toEqual(new Set(['UNAVAILABLE']));
    await expectReported(`handshake ${code}`);
  });

  const misshapen: [string, string, Flaw][] = [
    ['with two URIs', 'CERTIFICATE_INVALID', { uris: ['spiffe://demo/site/berlin', 'spiffe://demo/site/aarhus'] }],
    ['without a URI', 'CERTIFICATE_INVALID', { uris: [] }],
    ['with a URI that is no SPIFFE id', 'CERTIFICATE_INVALID', { uris: ['https://demo/site/berlin'] }],
    ['of a site whose name no site can have', 'CERTIFICATE_INVALID', { uris: ['spiffe://demo/site/Berlin%2e'] }],
    ['of a site of another federation', 'PEER_CERTIFICATE_FOREIGN', { uris: ['spiffe://other/site/berlin'] }],
    ['that may issue others', 'CERTIFICATE_INVALID', { isAuthority: true }],
    ['without a purpose', 'PEER_NOT_A_SITE', { purposes: [] }],
    ['for clients and servers both', 'PEER_NOT_A_SITE', { purposes: ['clientAuth', 'serverAuth'] }],
  ];

  it.each(misshapen)('or, where our own intermediate has signed it, at each call: %s', async (_, code, flaw) => {
    const peer = rude({ ca: good.ca, ...(await underIntermediate(flaw)) });
    const codes = [await peer.greet(), await peer.join(joining), await peer.session([hello]), await peer.upload([])];
    expect(new Set(codes)).toEqual(new Set([code]));
    await expectReported(`greet ${code}`);
  });

  it('while a forged one without a flaw passes (the control)', async () => {
    expect(await rude({ ca: good.ca, ...(await underIntermediate({})) }).greet()).toBe('done');
  });
});

describe('a peer without a certificate', () => {
  const nobody = () => rude({ ca: good.ca });

  it.each([
    ['greeting', () => nobody().greet()],
    ['session', () => nobody().session([hello])],
    ['upload', () => nobody().upload([{ header }, { data: Buffer.alloc(100) }])],
    ['download', () => nobody().download({ digest: 'a'.repeat(64) })],
    ['query', () => nobody().query(header)],
  ])('gets no %s', async (_, call) => {
    expect(await call()).toBe('PEER_CERTIFICATE_MISSING');
  });

  it('may only ask to join', async () => {
    expect(await nobody().join(joining)).toBe('done');
    expect(await nobody().join({ ...joining, envelope: Buffer.alloc(65 * 1024) })).toBe('MESSAGE_MALFORMED');
  });
});

describe('a site that does not keep to the protocol is refused', () => {
  const site = (options?: Record<string, number>) => rude(good, options);

  it('when it speaks another version', async () => {
    expect(await site().greet({ protocolVersion: 2 })).toBe('PROTOCOL_VERSION_UNSUPPORTED');
    expect(await site().session([{ hello: { protocolVersion: 2 } }])).toBe('PROTOCOL_VERSION_UNSUPPORTED');
  });

  it('when its session begins with anything but a Hello, or with nothing', async () => {
    expect(await site().session([{ progress: { step: 1 } }])).toBe('HANDSHAKE_MISSING');
    expect(await site().session([])).toBe('TIMEOUT');
  });

  it('when a message is larger than 4 MiB', async () => {
    const planDecision = { envelope: Buffer.alloc(4 * MIB) };
    expect(await site().session([hello, { planDecision }])).toBe('OVERLOADED');
    expect(await site().greet({ protocolVersion: 1, ownCheckpoint: Buffer.alloc(4 * MIB) })).toBe('OVERLOADED');
  });

  it('when it compresses its messages', async () => {
    const GZIP = { 'grpc.default_compression_algorithm': 2 };
    expect(await site(GZIP).greet()).toBe('MESSAGE_MALFORMED');
    expect(await site(GZIP).session([hello])).toBe('MESSAGE_MALFORMED');
  });

  it('when it asks for a method that there is not', async () => {
    expect(await site().unknown()).toBe('PROTOCOL_VERSION_UNSUPPORTED');
  });

  it.each([
    // On the wire the fields are unsigned: a negative number is a huge one there.
    ['a negative length', { length: 2 ** 64 - 2048 }],
    ['no length', { length: 0 }],
    ['a length beyond 2^53', { length: 2 ** 53 }],
    ['a negative number of examples', { examples: 2 ** 64 - 2048 }],
    ['an offset beyond its end', { offset: 101 }],
    ['a digest that is none', { sha256: '../../etc/passwd' }],
    ['a run that is none', { round: { run: 'run-%00', round: 1, attempt: 1 } }],
    ['no round', { round: null }],
  ])('when an update’s header has %s', async (_, flaw) => {
    expect(await site().query({ ...header, ...flaw })).toBe('MESSAGE_MALFORMED');
    expect(await site().upload([{ header: { ...header, ...flaw } }])).toBe('MESSAGE_MALFORMED');
  });

  it.each([
    ['a chunk larger than 1 MiB', 'MESSAGE_MALFORMED', [{ data: Buffer.alloc(MIB + 1) }]],
    ['an empty chunk', 'MESSAGE_MALFORMED', [{ data: Buffer.alloc(0) }]],
    ['more bytes than it announced', 'UPDATE_TOO_LARGE', [{ data: Buffer.alloc(99) }, { data: Buffer.alloc(2) }]],
    ['fewer bytes than it announced', 'UPDATE_TRUNCATED', [{ data: Buffer.alloc(99) }]],
    ['a second header', 'MESSAGE_MALFORMED', [{ header: {} }]],
  ])('when an upload has %s', async (_, code, messages) => {
    expect(await site().upload([{ header: { ...header, length: 100 } }, ...messages])).toBe(code);
  });

  it('when an upload has no header', async () => {
    expect(await site().upload([{ data: Buffer.alloc(100) }])).toBe('MESSAGE_MALFORMED');
  });

  it('when a download asks for what cannot be', async () => {
    expect(await site().download({ digest: 'x', offset: 0 })).toBe('MESSAGE_MALFORMED');
    expect(await site().download({ digest: 'a'.repeat(64), offset: 2 ** 63 })).toBe('MESSAGE_MALFORMED');
  });
});

describe('a site that may no longer speak', () => {
  it('is refused when it was revoked, whatever it calls', async () => {
    revoked.add('berlin');
    const peer = rude(good);
    const codes = [await peer.greet(), await peer.session([hello]), await peer.upload([]), await peer.query(header)];
    expect(new Set([...codes, await peer.join(joining)])).toEqual(new Set(['SITE_REVOKED']));
    expect(await rude(await memberOf(demo, 'aarhus')).greet()).toBe('done');
  });

  it('loses its open session when it is revoked, within five seconds', async () => {
    let isOpen = false;
    const ended = rude(good).session([hello], () => (isOpen = true));
    await expect.poll(() => isOpen).toBe(true);
    revoked.add('berlin');
    const begun = performance.now();
    hub.disconnect(berlin);
    expect(await ended).toBe('SITE_REVOKED');
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  it('loses its session to a newer one of the same site', async () => {
    let isOpen = false;
    const older = rude(good).session([hello], () => (isOpen = true));
    await expect.poll(() => isOpen).toBe(true);
    void rude(good).session([hello]);
    expect(await older).toBe('SESSION_REPLACED');
  });
});

interface Pki {
  readonly root: Issued;
  readonly intermediate: Issued;
}

async function foundPki(): Promise<Pki> {
  const terms = { federation: 'demo', now: Date.now() - DAY_MS * 3, days: 10 };
  const root = await createRoot(terms);
  return { root, intermediate: await createIntermediate({ ...terms, root }) };
}

async function memberOf(pki: Pki, name: 'berlin' | 'aarhus' | 'coordinator'): Promise<Required<Shown>> {
  const { root, intermediate } = pki;
  const terms = { intermediate, federation: 'demo', now: Date.now(), hosts: [] };
  if (name === 'coordinator') {
    const { chainPem, privateKeyPem } = await issueServerLeaf({ ...terms, subject: { kind: 'coordinator' } });
    return { ca: root.certificatePem, certificate: chainPem, privateKey: privateKeyPem };
  }
  const { csr, privateKeyPem } = await newRequest();
  const subject = { kind: 'site', name: name === 'berlin' ? berlin : aarhus } as const;
  const { chainPem } = await issueLeaf({ ...terms, csr, subject });
  return { ca: root.certificatePem, certificate: chainPem, privateKey: privateKeyPem };
}

/** A coordinator's door with a simple coordinator behind it: the newest session of a site is served, and no update fits. */
async function openHub(): Promise<HubServer> {
  const open = new Map<string, HubSession>();
  return new HubServer({
    ...(await memberOf(demo, 'coordinator')),
    federation: 'demo',
    limits: { helloMs: 300, handshakeMs: 300 },
    report: (refusal) => refusals.push(refusal),
    authorise: (site) => {
      if (revoked.has(site)) throw new Fault('SITE_REVOKED');
    },
    handlers: {
      greet: (site) => welcomeOf({ site, software: 'test', nowMs: Date.now() }),
      session: async (site, session) => {
        open.get(site)?.close(new Fault('SESSION_REPLACED'));
        open.set(site, session);
        for await (const message of session.messages) void message;
      },
      query: () => ({ received: 0 }),
      upload: async (site, { sha256 }, chunks) => {
        for await (const chunk of chunks) void chunk;
        commits.push(site);
        return { sha256 };
      },
      download: () => Promise.reject(new Fault('NOT_FOUND')),
      enrolment: {
        join: () => ({ state: 'pending' }),
        collect: () => ({ state: 'pending' }),
        renew: () => ({ state: 'pending' }),
        rekey: () => ({ state: 'pending' }),
      },
    },
  });
}

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const { close } of opened.splice(0)) close();
});

function rude(shown: Shown, options?: Record<string, number>): RudePeer {
  const peer = new RudePeer(`${HOST}:${port}`, shown, options);
  opened.push({ close: () => peer.close() });
  return peer;
}

async function expectGoodPeer(): Promise<void> {
  const channel = siteChannel({ ...good, federation: 'demo', address: `${HOST}:${port}` });
  expect((await channel.greet()).site).toBe('berlin');
  channel.close();
}

const expectReported = (refusal: string): Promise<void> =>
  expect.poll(() => refusals.map(({ method, fault }) => `${method} ${fault.code}`)).toContain(refusal);

/** What becomes of a TLS peer with a good certificate and these options: `served` once HTTP/2 answers. */
function handshake(options: ConnectionOptions, text = ''): Promise<string> {
  const { ca, certificate: cert, privateKey: key } = good;
  return new Promise((resolve) => {
    const tls = { host: HOST, port, ca, cert, key, checkServerIdentity: () => undefined };
    const socket = connectTls({ ALPNProtocols: ['h2'], ...tls, ...options }, () => socket.write(text));
    socket.once('data', () => resolve('served')).on('error', () => {});
    socket.once('close', () => resolve('closed'));
    opened.push({ close: () => socket.destroy() });
  });
}

const hello = { hello: { protocolVersion: 1, software: 'rude' } };
const joining = { token: 'x'.repeat(43), envelope: Buffer.from('{}') };
const header = {
  ...{ round: { run: 'run-0123456789', round: 1, attempt: 1 }, planDigest: 'a'.repeat(64) },
  ...{ modelDigest: 'b'.repeat(64), sha256: 'c'.repeat(64), length: 100, examples: 10, offset: 0 },
};
