import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Throttle {
  readonly port: number;
  close(): void;
}

/** A TCP proxy that lets only so many bytes a second pass upwards: a hospital's thin line, so that an upload takes a while. */
export async function throttle(
  target: () => { host: string; port: number },
  bytesPerSecond: number,
): Promise<Throttle> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target());
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    far.pipe(near);
    near.on('data', (chunk) => {
      near.pause();
      far.write(chunk);
      setTimeout(() => near.resume(), (chunk.byteLength / bytesPerSecond) * 1000);
    });
    near.on('end', () => far.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
