// A coordinator as a process with certificates of its own, for benches that play the sites themselves.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '@consilium/identity';
import { root } from '../../tools/prepare.mjs';

const FEDERATION = 'bench';

export async function startFederation(sites) {
  const dir = mkdtempSync(join(tmpdir(), 'consilium-bench-'));
  const certificates = await issue(dir, sites);
  const [grpc, http] = [await freePort(), await freePort()];
  const settings = join(dir, 'coordinator.yaml');
  writeFileSync(
    settings,
    `federation: ${FEDERATION}\nstate: state\ngrpc: {host: 127.0.0.1, port: ${grpc}}\nhttp: {host: 127.0.0.1, port: ${http}}\ntls: {ca: ca.pem, certificate: coordinator.pem, privateKey: coordinator.key}\nlog: {level: warn}\n`,
  );
  const coordinator = await startProgram('coordinator', ['serve', '--settings', settings]);
  const token = readFileSync(join(dir, 'state', 'api-token'), 'utf8').trim();
  const api = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${http}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    dir,
    certificates,
    federation: FEDERATION,
    address: `127.0.0.1:${grpc}`,
    api,
    /** Proposes the plan and starts a run of it. */
    async run(plan) {
      await api('POST', '/studies', { name: plan.study, title: 'Bench', purpose: 'To measure.' });
      const { digest } = await api('POST', `/studies/${plan.study}/plans`, plan);
      return api('POST', '/runs', { planDigest: digest });
    },
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

async function issue(dir, sites) {
  mkdirSync(dir, { recursive: true });
  const now = Date.now();
  const authority = await createAuthority({ federation: FEDERATION, now, days: 1 });
  const common = { authority, federation: FEDERATION, now, days: 1 };
  const coordinator = await issueCertificate({
    ...common,
    subject: { kind: 'coordinator' },
    hosts: ['localhost', '127.0.0.1'],
  });
  writeFileSync(join(dir, 'ca.pem'), authority.certificatePem);
  writeFileSync(join(dir, 'coordinator.pem'), coordinator.certificatePem);
  writeFileSync(join(dir, 'coordinator.key'), coordinator.privateKeyPem, { mode: 0o600 });
  const issued = {};
  for (const name of sites) {
    issued[name] = await issueCertificate({ ...common, subject: { kind: 'site', name } });
    writeFileSync(join(dir, `${name}.pem`), issued[name].certificatePem);
    writeFileSync(join(dir, `${name}.key`), issued[name].privateKeyPem, { mode: 0o600 });
  }
  return { ca: authority.certificatePem, coordinator, sites: issued };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
