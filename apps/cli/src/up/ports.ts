import { createServer, type Server } from 'node:net';
import { invariant } from '@consilium/stdx';

/**
 * So many free ports of the loopback address. They are held open together, so that they differ, and let go at the end:
 * another program could still take one before its owner starts, which then says PORT_IN_USE.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, open));
  const ports = servers.map((server) => {
    const address = server.address();
    invariant(address !== null && typeof address === 'object', 'a TCP server has a port');
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

const open = (): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
