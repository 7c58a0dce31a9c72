import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { invariant } from '@consilium/stdx';

const MIB = 1024 * 1024;
/** Bytes that all connections together may have in flight towards us. */
export const WINDOW_BUDGET = 64 * MIB;
export const WINDOW_MIN = MIB;
export const WINDOW_MAX = 16 * MIB;

/** The receive window of one of so many connections: bytes that the other side may send before we have read any. */
export const windowFor = (connections: number): number =>
  Math.floor(Math.min(WINDOW_MAX, Math.max(WINDOW_MIN, WINDOW_BUDGET / Math.max(1, connections))));

/**
 * The HTTP/2 servers inside a bound grpc-js server. The map is private, but it is the only door to what grpc-js 1.14
 * leaves out; it is pinned to that version, and the tests measure the effect.
 */
export function http2ServersOf(server: Server): readonly Http2SecureServer[] {
  const { http2Servers } = server as unknown as { http2Servers?: Map<Http2SecureServer, unknown> };
  invariant(
    http2Servers instanceof Map && http2Servers.size > 0,
    'a bound grpc-js 1.14 server lists its HTTP/2 servers',
  );
  return [...http2Servers.keys()];
}

/**
 * Gives a new connection, and each stream on it, the wide receive window of one of so many. grpc-js heeds
 * `flow_control_window` only on the client (grpc-node #3058): with HTTP/2's default of 64 KiB an upload over a line of
 * 50 ms crawls at 0.8 MB/s, whatever the line's bandwidth, and at more than 40 MB/s with this.
 */
export function widenWindow(session: ServerHttp2Session, connections: number): void {
  const window = windowFor(connections);
  session.settings({ initialWindowSize: window });
  session.setLocalWindowSize(window);
}
