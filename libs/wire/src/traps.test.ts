import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:tls';
import { Server, ServerCredentials, status, type ServerReadableStream } from '@grpc/grpc-js';
import { beforeAll, describe, expect, it } from 'vitest';
import { closing, foundFederation, HOST, openHub, type Federation } from './federation.fixture.js';
import type { UpdatesHandlers } from './generated/consilium/v1/Updates.js';
import type { UploadMessage, UploadReceiptInit } from './index.js';
import { rawClient } from './raw-client.fixture.js';
import { services } from './services.js';

/**
 * The controls of this library's own tests: a coordinator as one would write it with bare grpc-js falls into each trap
 * that `HubServer` avoids. When one of these fails after an upgrade, grpc-js has changed and our remedy can be reviewed.
 */
let demo: Federation;
beforeAll(async () => {
  demo = await foundFederation();
});

type Upload = (call: ServerReadableStream<UploadMessage, UploadReceiptInit>) => Promise<UploadReceiptInit>;

async function bareServer(upload: Upload = () => Promise.resolve({})): Promise<number> {
  const { ca, certificate, privateKey } = demo.coordinator;
  const server = new Server({ 'grpc-node.flow_control_window': 16 * 1024 * 1024 });
  const handlers: UpdatesHandlers = {
    Query: (_, respond) => respond(null, {}),
    Upload: (call, respond) =>
      void upload(call).then(
        (receipt) => respond(null, receipt),
        () => respond({ code: status.INTERNAL }),
      ),
  };
  server.addService(services.updates, handlers);
  const pair = { cert_chain: Buffer.from(certificate), private_key: Buffer.from(privateKey) };
  const credentials = ServerCredentials.createSsl(Buffer.from(ca), [pair], true);
  closing(() => server.forceShutdown());
  return new Promise((resolve, reject) =>
    server.bindAsync(`${HOST}:0`, credentials, (error, port) => (error ? reject(error) : resolve(port))),
  );
}

const tlsOptions = () => {
  const { ca, certificate: cert, privateKey: key } = demo.berlin;
  return { ca, cert, key, checkServerIdentity: () => undefined };
};

describe('bare grpc-js', () => {
  it('ends a cancelled upload like a complete one, and would commit a torn model', async () => {
    const commits: number[] = [];
    let came = 0;
    const port = await bareServer(async (call) => {
      for await (const { data } of call as AsyncIterable<UploadMessage>) came += data?.byteLength ?? 0;
      // Here a naive coordinator believes that it has everything; not even `cancelled` warns it.
      if (!call.cancelled) commits.push(came);
      return {};
    });
    const { call } = rawClient(demo.berlin, port).upload();
    call.write({ data: Buffer.alloc(1000) });
    await expect.poll(() => came).toBe(1000);
    call.cancel();
    await expect.poll(() => commits).toEqual([1000]);
  });

  it('heeds no window option on a server: 64 KiB per stream and per connection', async () => {
    const session = connectHttp2(`https://${HOST}:${await bareServer()}`, tlsOptions());
    session.on('error', () => {});
    closing(() => session.destroy());
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    expect(session.remoteSettings.initialWindowSize).toBe(65_535);
    expect(session.state.remoteWindowSize).toBe(65_535);
  });

  it('takes TLS 1.2', async () => {
    const socket = connect({ host: HOST, port: await bareServer(), maxVersion: 'TLSv1.2', ...tlsOptions() });
    closing(() => socket.destroy());
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    expect(socket.getProtocol()).toBe('TLSv1.2');
  });

  it('buffers without bound at a client that has not read yet, and only then', async () => {
    const { port, taken } = await modelServer();
    const { clients } = rawClient(demo.berlin, port);
    const call = clients.models.Download({ digest: 'a'.repeat(64), offset: 0 });
    call.on('error', () => {});
    // 100 MiB are more than the windows, the queues and the sockets hold together.
    await expect.poll(taken, { timeout: 20_000 }).toBe(100);
    call.cancel();
  });
});

/** Serves 100 MiB with proper backpressure, and tells how many of them were taken. */
async function modelServer(): Promise<{ port: number; taken: () => number }> {
  let taken = 0;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    const piece = Buffer.alloc(1024 * 1024);
    for (; taken < 100; taken++) yield piece;
  }
  const { port } = await openHub(demo.coordinator, { download: () => pieces() });
  return { port, taken: () => taken };
}
