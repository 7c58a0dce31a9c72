import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { Server, type UntypedHandleCall } from '@grpc/grpc-js';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  berlin,
  closing,
  codeOf,
  foundAuthority,
  foundFederation,
  HOST,
  membership,
  openChannel,
  openHub,
  type Federation,
} from './federation.fixture.js';
import { HubTls } from './hub-credentials.js';
import type { EnrolmentHandlers, TlsFiles } from './index.js';
import { rawClient } from './raw-client.fixture.js';
import { services } from './services.js';
import { selfSigned, stranger } from './strangers.fixture.js';

const HOUR_MS = 3_600_000;

let demo: Federation;
let twin: Federation;
beforeAll(async () => {
  [demo, twin] = await Promise.all([foundFederation(), foundFederation()]);
});

const pending = { state: 'pending', certificate: '', roster: Buffer.alloc(0) };
const enrolment: EnrolmentHandlers = {
  join: () => pending,
  collect: () => pending,
  renew: () => pending,
  rekey: () => pending,
};
const envelope = Buffer.from('{}');

/** What a peer with these files gets from a hub with an enrolment desk: for the call that needs no certificate, and one that does. */
async function visit(files: Partial<TlsFiles>, coordinator = demo.coordinator) {
  const { port, refusals } = await openHub(coordinator, { enrolment });
  const client = rawClient({ ca: coordinator.ca, ...files }, port);
  const join = await codeOf(client.join(envelope));
  const greet = await codeOf(client.greet({ protocolVersion: 1 }));
  return { join, greet, refusals: refusals.map(({ method, fault }) => `${method} ${fault.code}`) };
}

describe('a peer without a certificate', () => {
  it('may enrol, and nothing else', async () => {
    expect(await visit({})).toEqual({
      join: 'done',
      greet: 'PEER_CERTIFICATE_MISSING',
      refusals: ['greet PEER_CERTIFICATE_MISSING'],
    });
  });

  it('gets no session, no upload, no download and no query', async () => {
    const { port, refusals } = await openHub(demo.coordinator, { enrolment });
    const { clients, session, upload } = rawClient({ ca: demo.coordinator.ca }, port);
    session();
    upload();
    clients.models.Download({ digest: 'a'.repeat(64) }).on('error', () => {});
    clients.updates.Query({}, () => {});
    await expect.poll(() => refusals.length).toBe(4);
    expect(refusals.map(({ method }) => method).sort()).toEqual(['download', 'query', 'session', 'upload']);
    expect(new Set(refusals.map(({ fault }) => fault.code))).toEqual(new Set(['PEER_CERTIFICATE_MISSING']));
  });

  it('cannot enrol where the coordinator has no desk for it', async () => {
    const { port } = await openHub(demo.coordinator);
    expect(await codeOf(rawClient({ ca: demo.coordinator.ca }, port).join(envelope))).toBe(
      'PROTOCOL_VERSION_UNSUPPORTED',
    );
  });

  it('keeps HTTP/2’s narrow windows, so that it takes no memory from the sites', async () => {
    const { port } = await openHub(demo.coordinator, { enrolment });
    const session = await http2To(port, { ca: demo.coordinator.ca });
    await new Promise((resolve) => session.ping(resolve));
    expect(session.remoteSettings.initialWindowSize).toBe(65_535);
    expect(session.state.remoteWindowSize).toBe(65_535);
  });

  it('has to go after a while, and may come again', async () => {
    const { port } = await openHub(demo.coordinator, { enrolment }, { limits: { guestMs: 150 } });
    const session = await http2To(port, { ca: demo.coordinator.ca });
    await new Promise((resolve) => session.once('close', resolve));
    const client = rawClient({ ca: demo.coordinator.ca }, port);
    expect(await codeOf(client.join(envelope))).toBe('done');
    const site = openChannel(demo.berlin, port);
    expect(await codeOf(site.greet())).toBe('done');
  });

  it('makes room for the next when there are too many, while sites stay', async () => {
    const { port } = await openHub(demo.coordinator, { enrolment });
    const site = await http2To(port, tlsOf(demo.berlin));
    const guests: ClientHttp2Session[] = [];
    for (let i = 0; i < 65; i++) guests.push(await http2To(port, { ca: demo.coordinator.ca }));
    await expect.poll(() => guests.map(({ closed }) => closed).indexOf(false)).toBe(1);
    expect(guests.filter(({ closed }) => closed).length).toBe(1);
    expect(site.closed).toBe(false);
  });
});

describe('a peer that shows a certificate is judged by it, also in the calls that need none', () => {
  it('and passes if it is good (the control)', async () => {
    expect(await visit(demo.berlin)).toEqual({ join: 'done', greet: 'done', refusals: [] });
  });

  const turnedAway = async (files: Partial<TlsFiles>, reported: string, coordinator?: TlsFiles) => {
    const { join, greet, refusals } = await visit(files, coordinator);
    expect([join, greet]).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
    expect(new Set(refusals)).toEqual(new Set([`handshake ${reported}`]));
  };
  const pairOf = ({ certificate, privateKey }: TlsFiles) => ({ certificate, privateKey });

  it('not if another root has issued it', () => turnedAway(pairOf(twin.berlin), 'PEER_CERTIFICATE_FOREIGN'));

  it('not if it comes without its intermediate', async () => {
    const [leaf] = demo.berlin.certificate.split(/(?<=-----END CERTIFICATE-----\n)/);
    await turnedAway({ ...pairOf(demo.berlin), certificate: leaf! }, 'PEER_CERTIFICATE_FOREIGN');
  });

  it('not if it is signed by itself', async () => {
    const { certificate, privateKey } = selfSigned('URI:spiffe://demo/site/berlin');
    await turnedAway({ certificate, privateKey }, 'PEER_CERTIFICATE_FOREIGN');
  });

  it('not if it comes from an authority that is none of a federation', async () => {
    const { tls } = stranger('URI:spiffe://demo/site/berlin');
    await turnedAway({ certificate: tls.cert, privateKey: tls.key }, 'PEER_CERTIFICATE_FOREIGN');
  });

  it('not if it has expired', async () => {
    const then = Date.now() - 48 * HOUR_MS;
    const authority = await foundAuthority({ now: then, days: 10 });
    const expired = await membership(authority, { kind: 'site', name: berlin }, 24, then);
    await turnedAway(expired, 'CERTIFICATE_INVALID', await membership(authority, { kind: 'coordinator' }));
  });

  it('not if it is the coordinator’s own', () => turnedAway(pairOf(demo.coordinator), 'PEER_NOT_A_SITE'));

  it('not if it is an authority’s', async () => {
    const { certificatePem: certificate, privateKeyPem: privateKey } = demo.authority.intermediate;
    await turnedAway({ certificate, privateKey }, 'PEER_NOT_A_SITE');
  });

  it('while without the guard every one of them would enrol (the control)', async () => {
    const tls = new HubTls(1_000);
    const port = await bareServer(tls);
    const client = rawClient({ ...pairOf(twin.berlin), ca: demo.coordinator.ca }, port);
    // And until it is there, nobody is let in.
    expect(await codeOf(client.join(envelope))).toBe('UNAVAILABLE');
    tls.show(demo.coordinator);
    await expect.poll(() => codeOf(client.join(envelope))).toBe('done');
  });
});

/** The coordinator's credentials in bare grpc-js, with a desk that serves whoever comes. */
async function bareServer(tls: HubTls): Promise<number> {
  const server = new Server();
  const join: UntypedHandleCall = (_call: unknown, respond: (error: null, reply: object) => void) =>
    respond(null, pending);
  server.addService(services.enrolment, { Join: join, Collect: join, Renew: join, Rekey: join });
  closing(() => server.forceShutdown());
  return new Promise((resolve, reject) =>
    server.bindAsync(`${HOST}:0`, tls, (error, port) => (error ? reject(error) : resolve(port))),
  );
}

describe('a site’s connections', () => {
  it('are bounded: the oldest makes room', async () => {
    const { port } = await openHub(demo.coordinator);
    const sessions: ClientHttp2Session[] = [];
    for (let i = 0; i < 17; i++) sessions.push(await http2To(port, tlsOf(demo.berlin)));
    await expect.poll(() => sessions[0]!.closed).toBe(true);
    expect(sessions.slice(1).some(({ closed }) => closed)).toBe(false);
  });

  it('each prove the key anew: no session is resumed', async () => {
    const { port } = await openHub(demo.coordinator);
    const options = { ...tlsOf(demo.berlin), host: HOST, port, ALPNProtocols: ['h2'] };
    const first = connect(options);
    closing(() => first.destroy());
    const tickets: Buffer[] = [];
    first.on('session', (ticket: Buffer) => tickets.push(ticket));
    await once(first, 'data');
    const second = connect({ ...options, ...(tickets[0] && { session: tickets[0] }) });
    closing(() => second.destroy());
    await once(second, 'secureConnect');
    expect(second.isSessionReused()).toBe(false);
  });
});

describe('what is not gRPC over HTTP/2 over TLS 1.3 is turned away', () => {
  it('garbage instead of TLS', async () => {
    const { port, refusals } = await openHub(demo.coordinator);
    const socket = connectTcp(port, HOST);
    closing(() => socket.destroy());
    socket.on('error', () => {}).write('GET / HTTP/1.1\r\nhost: coordinator\r\n\r\n');
    await expect.poll(() => refusals.map(({ fault }) => fault.code)).toEqual(['MESSAGE_MALFORMED']);
  });

  it('a peer without HTTP/2', async () => {
    const { port, refusals } = await openHub(demo.coordinator);
    const socket = connect({ ...tlsOf(demo.berlin), host: HOST, port });
    closing(() => socket.destroy());
    await once(socket, 'close');
    expect(refusals).toMatchObject([{ method: 'handshake', fault: { facts: { expected: 'h2' } } }]);
  });

  it('a handshake that does not come to an end', async () => {
    const { port, refusals } = await openHub(demo.coordinator, {}, { limits: { handshakeMs: 100 } });
    const socket = connectTcp(port, HOST);
    closing(() => socket.destroy());
    await new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
    expect(refusals.map(({ fault }) => fault.code)).toEqual(['TIMEOUT']);
  });

  it('compressed messages', async () => {
    const { port, refusals } = await openHub(demo.coordinator);
    const session = await http2To(port, tlsOf(demo.berlin));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/consilium.v1.Sites/Greet',
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-encoding': 'gzip',
    });
    stream.on('error', () => {});
    const headers = await new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve));
    expect(headers).toMatchObject({ 'grpc-status': '3', 'consilium-code': 'MESSAGE_MALFORMED' });
    expect(refusals).toMatchObject([{ method: 'handshake', fault: { code: 'MESSAGE_MALFORMED' } }]);
  });
});

const tlsOf = ({ ca, certificate: cert, privateKey: key }: TlsFiles): ConnectionOptions => ({
  ca,
  cert,
  key,
  checkServerIdentity: () => undefined,
});

async function http2To(port: number, options: ConnectionOptions): Promise<ClientHttp2Session> {
  const session = connectHttp2(`https://${HOST}:${port}`, { checkServerIdentity: () => undefined, ...options });
  session.on('error', () => {});
  closing(() => session.destroy());
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  return session;
}

const once = (socket: TLSSocket, event: string): Promise<void> =>
  new Promise((resolve) => socket.on('error', () => {}).once(event, () => resolve()));
