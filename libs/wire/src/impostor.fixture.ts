import { createServer, type TlsOptions } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { closing, HOST } from './federation.fixture.js';

/** A TLS server that agrees to HTTP/2 with whatever certificate it was given, and then says nothing. Answers its port. */
export async function impostor(options: TlsOptions): Promise<number> {
  const server = createServer({ ...options, requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    closing(() => socket.destroy());
    // An empty SETTINGS frame (RFC 9113, 6.5): without it a gRPC client does not count the connection as made.
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  closing(() => server.close());
  return (server.address() as AddressInfo).port;
}
