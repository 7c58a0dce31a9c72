// A coordinator as a process with an identity of its own, for benches that play the sites themselves.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../tools/prepare.mjs';
import { admitSite, foundConsortium, startSignedRun } from '../harness/consortium.mjs';

export const FEDERATION = 'bench';

export async function startFederation(sites) {
  const dir = mkdtempSync(join(tmpdir(), 'consilium-bench-'));
  const consortium = await foundConsortium({ dir, federation: FEDERATION });
  const [grpc, http] = [await freePort(), await freePort()];
  const settings = join(dir, 'coordinator.yaml');
  writeFileSync(
    settings,
    `federation: ${FEDERATION}\nstate: state\ngrpc: {host: 127.0.0.1, port: ${grpc}}\nhttp: {host: 127.0.0.1, port: ${http}}\nidentity: identity/coordinator\nlog: {level: warn}\n`,
  );
  const coordinator = await startProgram('coordinator', ['serve', '--settings', settings]);
  const token = readFileSync(join(dir, 'state', 'api-token'), 'utf8').trim();
  const ask = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${http}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const api = { get: (path) => ask('GET', path), post: (path, body) => ask('POST', path, body) };
  const address = `127.0.0.1:${grpc}`;
  for (const site of sites) await admitSite(consortium, { site, api, address });
  return {
    dir,
    consortium,
    address,
    api,
    run: (plan) => startSignedRun(api, consortium, plan),
    async close() {
      const gone = once(coordinator, 'exit');
      coordinator.kill('SIGTERM');
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Starts one of our programs and waits for its word that it serves. */
export async function startProgram(app, args) {
  const child = fork(join(root, 'apps', app, 'dist', 'main.js'), args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const gone = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${app} ended with ${code}`)));
  gone.catch(() => {});
  await Promise.race([once(child, 'message'), gone]);
  return child;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
