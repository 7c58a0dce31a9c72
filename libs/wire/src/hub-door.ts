import type { Http2SecureServer, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { Fault } from '@consilium/stdx';
import { codeOfVerification } from './verification.js';
import { toStatus } from './status.js';

/**
 * Stands between the network and grpc-js, and lets nobody through
 * - who shows a certificate that does not verify to the federation's root: not even to the calls that need none, since
 *   whoever pretends to be somebody is not to be dealt with as nobody;
 * - who does not speak HTTP/2;
 * - whose messages are compressed: weights gain nothing by it, and a few bytes could then cost megabytes.
 */
export function guardDoor(server: Http2SecureServer, report: (fault: Fault) => void): void {
  gate(server, 'secureConnection', (socket: TLSSocket) => {
    const fault = strangenessOf(socket);
    if (!fault) return true;
    report(fault);
    socket.on('error', () => {});
    socket.destroy();
    return false;
  });

  gate(server, 'stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const encoding = headers['grpc-encoding'];
    if (encoding === undefined || encoding === 'identity') return true;
    const fault = new Fault('MESSAGE_MALFORMED', { expected: 'identity' });
    report(fault);
    answer(stream, fault);
    return false;
  });

  server.on('tlsClientError', (error) => report(handshakeFault(error)));
}

/**
 * Puts a question before a server's own listeners. Not `prependListener`: the others would still be called, and an
 * HTTP/2 session on a destroyed socket ends the program.
 */
function gate<Args extends unknown[]>(
  server: Http2SecureServer,
  event: string,
  admits: (...args: Args) => boolean,
): void {
  const behind = server.listeners(event);
  server.removeAllListeners(event);
  server.on(event, (...args: unknown[]) => {
    if (!admits(...(args as Args))) return;
    for (const listener of behind) listener.apply(server, args);
  });
}

/** Why this peer is not let in, if it is not. */
function strangenessOf(socket: TLSSocket): Fault | undefined {
  if (socket.alpnProtocol !== 'h2') return new Fault('MESSAGE_MALFORMED', { expected: 'h2' });
  if (socket.authorized || !hasCertificate(socket)) return undefined;
  const verdict: unknown = socket.authorizationError;
  return new Fault(codeOfVerification(verdict, 'PEER_NOT_A_SITE') ?? 'PEER_CERTIFICATE_FOREIGN', {}, verdict);
}

/** Whether the peer has shown a certificate; Node answers an empty object where there is none. */
const hasCertificate = (socket: TLSSocket): boolean => socket.getPeerCertificate().raw instanceof Uint8Array;

/** What broke a handshake before there was a peer to judge. */
function handshakeFault(error: Error & { code?: string }): Fault {
  if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return new Fault('TIMEOUT', {}, error);
  if (error.code === 'ERR_SSL_UNSUPPORTED_PROTOCOL')
    return new Fault('MESSAGE_MALFORMED', { expected: 'TLSv1.3' }, error);
  return new Fault('MESSAGE_MALFORMED', {}, error);
}

/** A gRPC answer that is nothing but a status ("Trailers-Only" in gRPC's protocol over HTTP/2). */
function answer(stream: ServerHttp2Stream, fault: Fault): void {
  const { code, details, metadata } = toStatus(fault);
  stream.on('error', () => {});
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc+proto',
      'grpc-status': code,
      'grpc-message': encodeURI(details),
      ...metadata.toHttp2Headers(),
    },
    { endStream: true },
  );
}
