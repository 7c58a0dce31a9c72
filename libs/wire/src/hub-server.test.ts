import { connect, constants, type ClientHttp2Session } from 'node:http2';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  closing,
  codeOf,
  foundFederation,
  HOST,
  openChannel,
  openHub,
  type Federation,
  gate,
  handlersOf,
} from './federation.fixture.js';
import { helloOf, HubServer } from './index.js';
import { rawClient } from './raw-client.fixture.js';
import { windowFor, WINDOW_BUDGET, WINDOW_MAX, WINDOW_MIN } from './windows.js';

let demo: Federation;
beforeAll(async () => {
  demo = await foundFederation();
});
const MIB = 1024 * 1024;

describe('listening', () => {
  it('answers the port that the system chose', async () => {
    const { port } = await openHub(demo.coordinator);
    expect(port).toBeGreaterThan(1023);
  });

  it('fails with PORT_IN_USE where another program listens', async () => {
    const { port } = await openHub(demo.coordinator);
    const second = new HubServer({ ...demo.coordinator, federation: 'demo', handlers: handlersOf({}) });
    expect(await codeOf(second.listen(HOST, port))).toBe('PORT_IN_USE');
    await second.shutdown(0);
  });

  it('fails with UNAVAILABLE on an address that is not ours', async () => {
    const server = new HubServer({ ...demo.coordinator, federation: 'demo', handlers: handlersOf({}) });
    // TEST-NET-1 (RFC 5737) is nobody's.
    expect(await codeOf(server.listen('192.0.2.1', 0))).toBe('UNAVAILABLE');
    await server.shutdown(0);
  });
});

describe('shutting down', () => {
  it('takes a moment, however many sessions are open', async () => {
    let open = 0;
    const { port, server } = await openHub(demo.coordinator, {
      session: async (_, session) => {
        open++;
        for await (const message of session.messages) void message;
      },
    });
    const readings = [demo.berlin, demo.aarhus].map(async (files) => {
      const names: unknown[] = [];
      for await (const { body } of openChannel(files, port).openSession(helloOf('test')).messages) names.push(body);
      return names;
    });
    await expect.poll(() => open).toBe(2);
    const begun = performance.now();
    await server.shutdown(10_000);
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(await Promise.all(readings)).toEqual([['welcome'], ['welcome']]);
  });

  it('takes its grace and no more when a transfer never ends', async () => {
    const asked = gate();
    const { port, server } = await openHub(demo.coordinator, {
      download: () => {
        asked.open();
        return new Promise(() => {});
      },
    });
    const call = rawClient(demo.berlin, port).clients.models.Download({ digest: 'a'.repeat(64), offset: 0 });
    const ended = new Promise((resolve) => call.once('error', resolve));
    await asked.opens;
    const begun = performance.now();
    await server.shutdown(400);
    const took = performance.now() - begun;
    expect(took).toBeGreaterThan(300);
    expect(took).toBeLessThan(5_000);
    await ended;
  });

  it('lets a transfer finish within its grace', async () => {
    async function* slowly(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        yield Buffer.from([i]);
      }
    }
    const { port, server } = await openHub(demo.coordinator, { download: () => slowly() });
    const call = rawClient(demo.berlin, port).clients.models.Download({ digest: 'a'.repeat(64), offset: 0 });
    const came: number[] = [];
    const reading = (async () => {
      for await (const { data } of call as AsyncIterable<{ data: Buffer }>) came.push(data[0]!);
    })();
    await expect.poll(() => came.length).toBeGreaterThan(0);
    await server.shutdown(10_000);
    await reading;
    expect(came).toEqual([0, 1, 2, 3, 4]);
  });

  it('may be asked for twice, and before it ever listened', async () => {
    const { server } = await openHub(demo.coordinator);
    await Promise.all([server.shutdown(100), server.shutdown(0)]);
    await new HubServer({ ...demo.coordinator, federation: 'demo', handlers: handlersOf({}) }).shutdown(0);
  });
});

describe('the receive window', () => {
  /** What an HTTP/2 client may send before the server has read anything: on a stream, and on the connection. */
  const windowsSeenBy = async (port: number): Promise<{ stream: number; connection: number }> => {
    const { ca, certificate: cert, privateKey: key } = demo.berlin;
    const session: ClientHttp2Session = connect(`https://${HOST}:${port}`, {
      ...{ ca, cert, key },
      checkServerIdentity: () => undefined,
    });
    session.on('error', () => {});
    closing(() => session.destroy());
    await new Promise((resolve) => session.once('connect', resolve));
    await expect
      .poll(() => session.remoteSettings.initialWindowSize)
      .toBeGreaterThan(constants.DEFAULT_SETTINGS_INITIAL_WINDOW_SIZE);
    await expect.poll(() => session.state.remoteWindowSize).toBeGreaterThan(65_535);
    return {
      stream: session.remoteSettings.initialWindowSize!,
      connection: session.state.remoteWindowSize!,
    };
  };

  it('is really applied to streams and connections, although grpc-js ignores its own option on servers', async () => {
    const { port } = await openHub(demo.coordinator);
    expect(await windowsSeenBy(port)).toEqual({ stream: WINDOW_MAX, connection: WINDOW_MAX });
  });

  it('is shared fairly as sites come, so that all together stay within the budget', async () => {
    const { port } = await openHub(demo.coordinator);
    const connections: number[] = [];
    for (let i = 0; i < 6; i++) connections.push((await windowsSeenBy(port)).connection);
    expect(connections.map((bytes) => Math.floor(bytes / MIB))).toEqual([16, 16, 16, 16, 12, 10]);
  });

  it('has a floor and a ceiling', () => {
    expect(windowFor(0)).toBe(WINDOW_MAX);
    expect(windowFor(1)).toBe(WINDOW_MAX);
    expect(windowFor(1000)).toBe(WINDOW_MIN);
    for (let n = 4; n <= 64; n++) expect(n * windowFor(n)).toBeLessThanOrEqual(WINDOW_BUDGET);
    // A fraction throws inside Node.
    for (let n = 1; n < 100; n++) expect(Number.isInteger(windowFor(n))).toBe(true);
  });
});

it('a second call of a site is served while the first one waits', async () => {
  const { port } = await openHub(demo.coordinator, { download: () => new Promise(() => {}) });
  const channel = openChannel(demo.berlin, port);
  const abort = new AbortController();
  const waiting = channel.download({ digest: 'a'.repeat(64) as never, bytes: 1, signal: abort.signal });
  expect((await channel.greet()).site).toBe('berlin');
  abort.abort();
  expect(await codeOf(waiting)).toBe('CANCELLED');
});

it('a coordinator that comes back is found again by the same channel', async () => {
  const first = await openHub(demo.coordinator);
  const channel = openChannel(demo.berlin, first.port);
  await channel.greet();
  await first.server.shutdown(0);
  expect(await codeOf(channel.greet())).toBe('UNAVAILABLE');
  const second = new HubServer({ ...demo.coordinator, federation: 'demo', handlers: handlersOf({}) });
  await second.listen(HOST, first.port);
  closing(() => second.shutdown(0));
  await expect.poll(() => codeOf(channel.greet()), { timeout: 10_000 }).toBe('done');
});
