import { createHash, X509Certificate } from 'node:crypto';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { Fault, type Digest } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import { closing, codeOf, foundFederation, gate, HOST, openHub, type Federation } from './federation.fixture.js';
import { contextOf, hubContextOf } from './hub-credentials.js';
import { impostor } from './impostor.fixture.js';
import {
  ENVELOPE_BYTES_MAX,
  enrolmentChannel,
  type EnrolmentChannel,
  type EnrolmentChannelOptions,
  type EnrolmentHandlers,
} from './index.js';
import { rawClient } from './raw-client.fixture.js';
import { stranger } from './strangers.fixture.js';

let demo: Federation;
let twin: Federation;
beforeAll(async () => {
  [demo, twin] = await Promise.all([foundFederation(), foundFederation()]);
});

const digestOf = (pem: string): Digest =>
  createHash('sha256').update(new X509Certificate(pem).raw).digest('hex') as Digest;
const pin = (federation: Federation) => ({ rootDigest: digestOf(federation.authority.root.certificatePem) });

function channelTo(port: number, options: Partial<EnrolmentChannelOptions> = {}): EnrolmentChannel {
  const channel = enrolmentChannel({ ...pin(demo), address: `${HOST}:${port}`, ...options } as EnrolmentChannelOptions);
  closing(() => channel.close());
  return channel;
}

/** A desk that keeps what it was asked. */
function desk() {
  const asked: [string, Uint8Array, string?][] = [];
  const admitted = { state: 'admitted', certificate: 'PEM', roster: Buffer.from('roster') };
  const handlers: EnrolmentHandlers = {
    join: ({ envelope, token }) => {
      asked.push(['join', envelope, token]);
      return { state: 'pending' };
    },
    collect: (envelope) => (asked.push(['collect', envelope]), admitted),
    renew: (envelope) => (asked.push(['renew', envelope]), admitted),
    rekey: (envelope) => (asked.push(['rekey', envelope]), admitted),
  };
  return { asked, handlers };
}

describe('a channel for enrolment', () => {
  it('carries each request as it is, without a certificate, and brings the answer', async () => {
    const { asked, handlers } = desk();
    const { port, refusals } = await openHub(demo.coordinator, { enrolment: handlers });
    const channel = channelTo(port);
    expect(await channel.join({ token: 'secret', envelope: Buffer.from('a') })).toMatchObject({
      state: 'pending',
      certificate: '',
    });
    const admitted = { state: 'admitted', certificate: 'PEM', roster: Buffer.from('roster') };
    expect(await channel.collect(Uint8Array.of(1))).toEqual(admitted);
    expect(await channel.renew(Uint8Array.of(2))).toEqual(admitted);
    expect(await channel.rekey(Uint8Array.of(3))).toEqual(admitted);
    expect(asked).toEqual([
      ['join', Buffer.from('a'), 'secret'],
      ['collect', Buffer.of(1)],
      ['renew', Buffer.of(2)],
      ['rekey', Buffer.of(3)],
    ]);
    expect(refusals).toEqual([]);
  });

  it('brings the Fault with which the coordinator refuses', async () => {
    const refuse = (): never => {
      throw new Fault('JOIN_TOKEN_INVALID');
    };
    const { port, refusals } = await openHub(demo.coordinator, { enrolment: { ...desk().handlers, join: refuse } });
    expect(await codeOf(channelTo(port).join({ token: 'used', envelope: Buffer.from('a') }))).toBe(
      'JOIN_TOKEN_INVALID',
    );
    expect(refusals).toMatchObject([{ method: 'join' }]);
    expect(refusals[0]).not.toHaveProperty('peer');
  });

  it('refuses an answer of another form', async () => {
    const { port } = await openHub(demo.coordinator, {
      enrolment: { ...desk().handlers, collect: () => ({ state: 'x' }) },
    });
    expect(await codeOf(channelTo(port).collect(Uint8Array.of(1)))).toBe('MESSAGE_MALFORMED');
  });

  it('does not wait for ever, and lets go when nobody waits any more', async () => {
    const never = { ...desk().handlers, collect: () => new Promise<never>(() => {}) };
    const { port } = await openHub(demo.coordinator, { enrolment: never });
    expect(await codeOf(channelTo(port, { answerMs: 200 }).collect(Uint8Array.of(1)))).toBe('TIMEOUT');
    expect(await codeOf(channelTo(port).collect(Uint8Array.of(1), AbortSignal.abort()))).toBe('CANCELLED');
  });

  it('does nothing more once it is closed', async () => {
    const { port } = await openHub(demo.coordinator, { enrolment: desk().handlers });
    const channel = channelTo(port);
    channel.close();
    expect(await codeOf(channel.collect(Uint8Array.of(1)))).toBe('CANCELLED');
  });

  it.each(['localhost', '::1:80'])('refuses the address %j', (address) => {
    expect(() => enrolmentChannel({ ...pin(demo), address })).toThrow(Fault);
  });

  it('refuses a root that is none', async () => {
    const address = 'localhost:1';
    expect(await codeOf(() => enrolmentChannel({ root: 'garbage', address }))).toBe('CERTIFICATE_INVALID');
    const root = demo.coordinator.certificate;
    expect(await codeOf(() => enrolmentChannel({ root, address }))).toBe('CERTIFICATE_INVALID');
  });
});

describe('first contact', () => {
  it('learns the root from the coordinator, and takes it only because it has the pinned digest', async () => {
    const { port } = await openHub(demo.coordinator, { enrolment: desk().handlers });
    const root = await channelTo(port).root();
    expect(digestOf(root)).toBe(pin(demo).rootDigest);
    expect(new X509Certificate(root).raw).toEqual(new X509Certificate(demo.authority.root.certificatePem).raw);
  });

  it('takes a root that is given', async () => {
    const root = demo.authority.root.certificatePem;
    const { port } = await openHub(demo.coordinator, { enrolment: desk().handlers });
    const channel = enrolmentChannel({ root, address: `${HOST}:${port}` });
    closing(() => channel.close());
    expect(await channel.root()).toBe(root);
    expect(await codeOf(channel.collect(Uint8Array.of(1)))).toBe('done');
  });

  it('goes no further at the coordinator of another federation, nor of one that claims the same name', async () => {
    const { asked, handlers } = desk();
    const { port } = await openHub(twin.coordinator, { enrolment: handlers });
    const channel = channelTo(port);
    expect(await codeOf(channel.root())).toBe('ROOT_PIN_MISMATCH');
    expect(await codeOf(channel.join({ token: 'secret', envelope: Buffer.from('a') }))).toBe('ROOT_PIN_MISMATCH');
    const given = enrolmentChannel({ root: demo.authority.root.certificatePem, address: `${HOST}:${port}` });
    closing(() => given.close());
    expect(await codeOf(given.join({ token: 'secret', envelope: Buffer.from('a') }))).toBe('PEER_CERTIFICATE_FOREIGN');
    // The secret never left.
    expect(asked).toEqual([]);
  });

  it('is not fooled by one that shows the true root under a chain of its own', async () => {
    // Names alone link its leaf to the true intermediate, since both federations have the same: no signature does.
    const [leaf] = twin.coordinator.certificate.split(/(?<=-----END CERTIFICATE-----\n)/);
    const [, intermediate] = demo.coordinator.certificate.split(/(?<=-----END CERTIFICATE-----\n)/);
    const cert = leaf! + intermediate! + demo.authority.root.certificatePem;
    const port = await impostor({ cert, key: twin.coordinator.privateKey });
    expect(['PEER_CERTIFICATE_FOREIGN', 'ROOT_PIN_MISMATCH']).toContain(await codeOf(channelTo(port).root()));
  });

  it('is not fooled by a hospital of the federation that poses as its coordinator', async () => {
    const port = await impostor(hubContextOf(demo.aarhus));
    expect(await codeOf(channelTo(port).root())).toBe('PEER_NOT_THE_COORDINATOR');
  });

  it('needs a coordinator whose certificate has not expired', async () => {
    const { port } = await openHub(demo.coordinator, { enrolment: desk().handlers });
    const now = () => Date.now() + 48 * 3_600_000;
    expect(await codeOf(channelTo(port, { now }).root())).toBe('CERTIFICATE_INVALID');
  });

  it('needs the root in the chain: a coordinator of an older release does not show it', async () => {
    const port = await impostor(contextOf(demo.coordinator));
    expect(await codeOf(channelTo(port).root())).toBe('ROOT_PIN_MISMATCH');
  });

  it('names a proxy that opens TLS on its way, and sends it nothing', async () => {
    const port = await impostor(stranger('DNS:coordinator').tls);
    const channel = channelTo(port);
    expect(await codeOf(channel.root())).toBe('TLS_INTERCEPTED');
    expect(await codeOf(channel.join({ token: 'secret', envelope: Buffer.from('a') }))).toBe('TLS_INTERCEPTED');
  });

  it('finds nobody, is told so, and tries again when it is asked again', async () => {
    const { port, server } = await openHub(demo.coordinator, { enrolment: desk().handlers });
    await server.shutdown(0);
    const channel = channelTo(port);
    expect(await codeOf(channel.root())).toBe('UNAVAILABLE');
    const port2 = await silent();
    expect(await codeOf(channelTo(port2).root())).toBe('TIMEOUT');
    expect(await codeOf(channel.root())).toBe('UNAVAILABLE');
  });
});

describe('the desk', () => {
  it.each([
    ['an empty envelope', 0, 'secret'],
    ['an envelope that is too large', ENVELOPE_BYTES_MAX + 1, 'secret'],
    ['an empty token', 1, ''],
    ['a token that is too long', 1, 'x'.repeat(513)],
  ])('turns away %s', async (_, bytes, token) => {
    const { asked, handlers } = desk();
    const { port } = await openHub(demo.coordinator, { enrolment: handlers });
    const client = rawClient({ ca: demo.coordinator.ca }, port);
    expect(await codeOf(client.join(Buffer.alloc(bytes), token))).toBe('MESSAGE_MALFORMED');
    expect(asked).toEqual([]);
  });

  it('takes the largest envelope, and bytes that are none', async () => {
    const { asked, handlers } = desk();
    const { port } = await openHub(demo.coordinator, { enrolment: handlers });
    expect(await codeOf(channelTo(port).renew(Buffer.alloc(ENVELOPE_BYTES_MAX)))).toBe('done');
    expect(asked.length).toBe(1);
  });

  it('serves so many at one time, and tells the others to come again', async () => {
    const opens = gate();
    const slow = { ...desk().handlers, collect: () => opens.opens.then(() => ({ state: 'pending' })) };
    const { port } = await openHub(demo.coordinator, { enrolment: slow });
    const channels = [1, 2, 3].map(() => channelTo(port));
    const codes: string[] = [];
    const asking = channels.flatMap((channel) =>
      Array.from({ length: 25 }, () => codeOf(channel.collect(Uint8Array.of(1))).then((code) => codes.push(code))),
    );
    await expect.poll(() => codes.length).toBe(11);
    expect(new Set(codes)).toEqual(new Set(['OVERLOADED']));
    opens.open();
    await Promise.all(asking);
    expect(codes.filter((code) => code === 'done').length).toBe(64);
    expect(await codeOf(channels[0]!.collect(Uint8Array.of(1)))).toBe('done');
  });
});

/** Takes connections and says nothing. */
async function silent(): Promise<number> {
  const server = createTcpServer((socket) => closing(() => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  closing(() => server.close());
  return (server.address() as AddressInfo).port;
}
