// The reference of the wire: the same bytes over node:tls and nothing else, discarded as they come.
import { once } from 'node:events';
import tls from 'node:tls';

/** Seconds for `sites` connections at once to send `bytes` up and then receive `bytes`, over mutual TLS 1.3. */
export async function rawTls({ ca, certificate, privateKey, siteCertificate, sitePrivateKey, sites, bytes }) {
  const block = Buffer.alloc(1 << 20, 7);
  const sendAll = async (socket) => {
    for (let left = bytes; left > 0; left -= block.length)
      if (!socket.write(block.subarray(0, Math.min(left, block.length)))) await once(socket, 'drain');
  };
  const server = tls.createServer(
    { ca, cert: certificate, key: privateKey, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' },
    (socket) => void receive(socket, bytes).then(() => sendAll(socket)),
  );
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const sockets = await Promise.all(
    Array.from({ length: sites }, async () => {
      const socket = tls.connect({
        host: '127.0.0.1',
        port,
        ca,
        cert: siteCertificate,
        key: sitePrivateKey,
        checkServerIdentity: () => undefined,
      });
      await once(socket, 'secureConnect');
      return socket;
    }),
  );
  const begun = performance.now();
  await Promise.all(
    sockets.map(async (socket) => {
      const down = receive(socket, bytes);
      await sendAll(socket);
      await down;
    }),
  );
  const seconds = (performance.now() - begun) / 1000;
  for (const socket of sockets) socket.destroy();
  server.close();
  return seconds;
}

function receive(socket, bytes) {
  let seen = 0;
  return new Promise((resolve) => {
    const take = (chunk) => {
      seen += chunk.length;
      if (seen < bytes) return;
      socket.off('data', take);
      resolve();
    };
    socket.on('data', take);
  });
}
