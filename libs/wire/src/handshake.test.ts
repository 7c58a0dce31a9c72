import { connect } from 'node:tls';
import { certificateFacts } from '@consilium/identity';
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
} from './federation.fixture.js';
import type { Federation } from './federation.fixture.js';
import { HubServer, siteChannel, welcomeOf, type Hello, type TlsFiles } from './index.js';
import { contextOf } from './hub-credentials.js';
import { impostor } from './impostor.fixture.js';
import { rawClient } from './raw-client.fixture.js';

let demo: Federation;
/** Another authority that claims the same name, and one of another name. */
let twin: Federation;
let other: Federation;
beforeAll(async () => {
  [demo, twin, other] = await Promise.all([foundFederation(), foundFederation(), foundFederation('other')]);
});

describe('a greeting', () => {
  it('tells the site its own name, read from its certificate', async () => {
    const { port } = await openHub(demo.coordinator);
    const welcome = await openChannel(demo.berlin, port).greet();
    expect(welcome).toMatchObject({ protocolVersion: 1, site: 'berlin', software: 'test', nowMs: 1 });
    expect(welcome.features).toContain('resumable-upload');
  });

  it('brings the site’s release and features to the coordinator', async () => {
    const hellos: Hello[] = [];
    const { port } = await openHub(demo.coordinator, {
      greet: (site, hello) => {
        hellos.push(hello);
        return welcomeOf({ site, software: 'hub', nowMs: 2 });
      },
    });
    await openChannel(demo.berlin, port, { software: '1.2.3' }).greet();
    expect(hellos).toMatchObject([{ protocolVersion: 1, software: '1.2.3' }]);
  });

  it('of another protocol version is refused with both versions', async () => {
    const { port, refusals } = await openHub(demo.coordinator);
    const { greet } = rawClient(demo.berlin, port);
    await expect(greet({ protocolVersion: 2 })).rejects.toMatchObject({
      code: 'PROTOCOL_VERSION_UNSUPPORTED',
      facts: { expected: 1, came: 2 },
    });
    expect(refusals).toMatchObject([{ method: 'greet', peer: 'berlin' }]);
  });

  it('is refused by a site whose coordinator speaks another version', async () => {
    const { port } = await openHub(demo.coordinator, { greet: () => ({ protocolVersion: 2 }) });
    expect(await codeOf(openChannel(demo.berlin, port).greet())).toBe('PROTOCOL_VERSION_UNSUPPORTED');
  });

  it('without an answer ends in TIMEOUT', async () => {
    const { port } = await openHub(demo.coordinator, { greet: () => new Promise(() => {}) });
    const channel = openChannel(demo.berlin, port, { limits: { answerMs: 100 } });
    expect(await codeOf(channel.greet())).toBe('TIMEOUT');
  });

  it('that nobody waits for any more is CANCELLED', async () => {
    const { port } = await openHub(demo.coordinator, { greet: () => new Promise(() => {}) });
    const channel = openChannel(demo.berlin, port);
    expect(await codeOf(channel.greet(AbortSignal.abort()))).toBe('CANCELLED');
    expect(await codeOf(channel.greet(AbortSignal.timeout(50)))).toBe('CANCELLED');
  });

  it('to an address where nobody listens is UNAVAILABLE', async () => {
    const { port, server } = await openHub(demo.coordinator);
    await server.shutdown(0);
    expect(await codeOf(openChannel(demo.berlin, port).greet())).toBe('UNAVAILABLE');
  });

  it('never tells the site what went wrong inside the coordinator', async () => {
    const { port, refusals } = await openHub(demo.coordinator, {
      greet: () => {
        throw new Error('the password is swordfish');
      },
    });
    const error: unknown = await openChannel(demo.berlin, port)
      .greet()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'INTERNAL' });
    expect(JSON.stringify([error, (error as Error).cause])).not.toContain('swordfish');
    expect(refusals[0]?.fault.cause).toMatchObject({ message: 'the password is swordfish' });
  });
});

describe('the coordinator lets nobody in', () => {
  const handshakes = async (files: TlsFiles | Partial<TlsFiles>, coordinator = demo.coordinator) => {
    const hub = await openHub(coordinator);
    const code = await codeOf(rawClient({ ...demo.berlin, ...files }, hub.port).greet({ protocolVersion: 1 }));
    return { code, refusals: hub.refusals.map(({ fault }) => fault.code) };
  };

  it('but a site of its federation (the control)', async () => {
    expect(await handshakes({})).toEqual({ code: 'done', refusals: [] });
  });

  it('with a certificate of another authority, whatever name it claims', async () => {
    const { certificate, privateKey } = twin.berlin;
    const { code, refusals } = await handshakes({ certificate, privateKey });
    expect(code).toBe('UNAVAILABLE');
    expect(refusals).toContain('PEER_CERTIFICATE_FOREIGN');
  });

  it('with the coordinator’s own certificate, whose purpose is another', async () => {
    const { code, refusals } = await handshakes(demo.coordinator);
    expect(code).toBe('UNAVAILABLE');
    expect(refusals).toContain('PEER_NOT_A_SITE');
  });

  it('with a certificate that has expired', async () => {
    const lastYear = Date.now() - 365 * 86_400_000;
    const old = await foundAuthority({ now: lastYear, days: 730 });
    const expired = await membership(old, { kind: 'site', name: berlin }, 24, lastYear);
    const coordinator = await membership(old, { kind: 'coordinator' });
    const { code, refusals } = await handshakes(expired, coordinator);
    expect(code).toBe('UNAVAILABLE');
    expect(refusals).toContain('CERTIFICATE_INVALID');
  });

  it('whose certificate expires while the connection lives', async () => {
    let now = Date.now();
    const { port } = await openHub(demo.coordinator, {}, { now: () => now });
    const channel = openChannel(demo.berlin, port);
    expect(await codeOf(channel.greet())).toBe('done');
    now += 2 * 86_400_000;
    expect(await codeOf(channel.greet())).toBe('CERTIFICATE_INVALID');
  });

  it('of another federation, even where its authority is trusted by mistake', async () => {
    const ca = demo.authority.root.certificatePem + other.authority.root.certificatePem;
    const hub = await openHub({ ...demo.coordinator, ca });
    const files = { ...other.berlin, ca };
    expect(await codeOf(rawClient(files, hub.port).greet({ protocolVersion: 1 }))).toBe('PEER_CERTIFICATE_FOREIGN');
    expect(await codeOf(openChannel(demo.berlin, hub.port).greet())).toBe('done');
  });

  it('over TLS 1.2', async () => {
    const { port } = await openHub(demo.coordinator);
    const dial = (maxVersion: 'TLSv1.2' | 'TLSv1.3') =>
      new Promise<string>((resolve) => {
        const { ca, certificate: cert, privateKey: key } = demo.berlin;
        const socket = connect({ host: HOST, port, ca, cert, key, maxVersion, checkServerIdentity: () => undefined });
        socket.once('secureConnect', () => resolve(String(socket.getProtocol())));
        socket.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
        closing(() => socket.destroy());
      });
    expect(await dial('TLSv1.2')).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    expect(await dial('TLSv1.3')).toBe('TLSv1.3');
  });
});

describe('a site speaks to nobody', () => {
  it('but the coordinator of its federation (the control)', async () => {
    const port = await impostor(contextOf(demo.coordinator));
    // It is no gRPC server, but it passes as the coordinator.
    expect(await codeOf(openChannel(demo.berlin, port, { limits: { answerMs: 300 } }).greet())).toBe('TIMEOUT');
  });

  it('who shows a certificate of another authority', async () => {
    const port = await impostor(contextOf(twin.coordinator));
    expect(await codeOf(openChannel(demo.berlin, port).greet())).toBe('PEER_CERTIFICATE_FOREIGN');
  });

  it('who is another hospital of the federation', async () => {
    const port = await impostor(contextOf(demo.aarhus));
    expect(await codeOf(openChannel(demo.berlin, port).greet())).toBe('PEER_NOT_THE_COORDINATOR');
  });

  it('whose key is not the pinned one', async () => {
    const { port } = await openHub(demo.coordinator);
    const pin = certificateFacts(demo.coordinator.certificate).publicKeyPin;
    expect(await codeOf(openChannel(demo.berlin, port, { coordinatorPin: pin }).greet())).toBe('done');
    const wrong = certificateFacts(demo.aarhus.certificate).publicKeyPin;
    expect(await codeOf(openChannel(demo.berlin, port, { coordinatorPin: wrong }).greet())).toBe(
      'PEER_NOT_THE_COORDINATOR',
    );
  });

  it('who only speaks TLS 1.2', async () => {
    const port = await impostor({ ...contextOf(demo.coordinator), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
    expect(await codeOf(openChannel(demo.berlin, port).greet())).toBe('UNAVAILABLE');
  });

  it('and learns that its own certificate was refused', async () => {
    const lastYear = Date.now() - 365 * 86_400_000;
    const authority = await foundAuthority({ now: lastYear, days: 730 });
    const expired = await membership(authority, { kind: 'site', name: berlin }, 24, lastYear);
    const { port } = await openHub(await membership(authority, { kind: 'coordinator' }));
    expect(await codeOf(openChannel(expired, port).greet())).toBe('CERTIFICATE_REFUSED');
  });
});

describe('wrong files are found before anything is opened', () => {
  const hub = (files: Partial<TlsFiles>, federation = 'demo') =>
    codeOf(() => new HubServer({ ...demo.coordinator, ...files, federation, handlers: {} as never }));
  const site = (files: Partial<TlsFiles>, federation = 'demo', address = 'localhost:1') =>
    codeOf(() => siteChannel({ ...demo.berlin, ...files, federation, address }).close());

  it('by the coordinator', async () => {
    expect(await hub({})).toBe('done');
    expect(await hub(demo.berlin)).toBe('CERTIFICATE_INVALID');
    expect(await hub({ privateKey: demo.berlin.privateKey })).toBe('CERTIFICATE_INVALID');
    expect(await hub({ certificate: 'garbage' })).toBe('CERTIFICATE_INVALID');
    expect(await hub({}, 'other')).toBe('CERTIFICATE_INVALID');
  });

  it('by the site', async () => {
    expect(await site({})).toBe('done');
    expect(await site(demo.coordinator)).toBe('CERTIFICATE_INVALID');
    expect(await site({ privateKey: demo.aarhus.privateKey })).toBe('CERTIFICATE_INVALID');
    expect(await site({ ca: other.authority.root.certificatePem })).toBe('CERTIFICATE_INVALID');
    expect(await site({}, 'other')).toBe('CERTIFICATE_INVALID');
  });

  it.each(['localhost', 'localhost:0', 'localhost:65536', ':80', 'https://localhost:80', '::1:80', 'a b:80', ''])(
    'such as the address %j',
    async (address) => {
      expect(await site({}, 'demo', address)).toBe('REQUEST_INVALID');
    },
  );
});
