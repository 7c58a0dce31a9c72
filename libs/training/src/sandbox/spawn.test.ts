import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundle, type Bundle } from './bundle.fixture.js';
import type { SandboxedChild } from './child.js';
import type { HostileProtocol } from './hostile-child.fixture.js';
import { findUnshareFlags, namespaceOf } from './namespace.js';
import { spawnSandboxed, type SandboxOptions } from './spawn.js';

const unshareFlags = await findUnshareFlags();
const whereAllowed = describe.skipIf(unshareFlags === undefined);

let hostile: Bundle;
let parent: Bundle;
beforeAll(async () => {
  [hostile, parent] = await Promise.all([bundle('./hostile-child.fixture.ts'), bundle('./parent.fixture.ts')]);
});
afterAll(() => Promise.all([hostile, parent].map((each) => each.remove())));

const children: SandboxedChild<HostileProtocol>[] = [];
afterEach(() => Promise.all(children.splice(0).map((child) => child.stop())));

async function start(options: Partial<SandboxOptions> = {}): Promise<SandboxedChild<HostileProtocol>> {
  const child = await spawnSandboxed<HostileProtocol>({
    modulePath: hostile.path,
    sandbox: 'off',
    heapMb: 64,
    graceMs: 300,
    ...options,
  });
  children.push(child);
  return child;
}

/** A program that stands in for `unshare`. */
async function fakeUnshare(name: string, script: string): Promise<string> {
  const path = join(hostile.folder, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

whereAllowed('a sandboxed child (skipped where network namespaces are denied)', () => {
  it('lives in another network namespace than we, in which it still answers', async () => {
    const child = await start({ sandbox: 'on' });
    expect(child.isolated).toBe(true);
    expect(await namespaceOf(child.pid)).not.toBe(await namespaceOf('self'));
    expect(await child.call('echo', 'hello')).toBe('hello');
  });

  it('cannot connect to a listener that the same child without a sandbox does reach', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const target = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    const [inside, outside] = [await start({ sandbox: 'on' }), await start({ sandbox: 'off' })];
    expect(await inside.call('connect', target)).toBe('ENETUNREACH');
    expect(await outside.call('connect', target)).toBe('connected');
    server.close();
  });

  it('cannot send a datagram that the same child without a sandbox does send', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const target = { host: '127.0.0.1', port: socket.address().port };
    const received = once(socket, 'message');
    const [inside, outside] = [await start({ sandbox: 'on' }), await start({ sandbox: 'off' })];
    expect(await inside.call('sendDatagram', target)).toBe('ENETUNREACH');
    expect(await outside.call('sendDatagram', target)).toBe('sent');
    expect(String((await received)[0])).toBe('patient');
    socket.close();
  });

  it('cannot reach an address beyond this machine, nor a name server', async () => {
    const child = await start({ sandbox: 'on' });
    expect(await child.call('connect', { host: '192.0.2.1', port: 443 })).toBe('ENETUNREACH');
    expect(['EAI_AGAIN', 'ENOTFOUND', 'EAI_FAIL']).toContain(await child.call('lookup', 'hub.example'));
  });
});

describe('where no sandbox can be had', () => {
  it.each([
    ['unshare is missing', 'exit 127'],
    ['the kernel denies it', 'echo "unshare: unshare failed: Operation not permitted" >&2; exit 1'],
    // Runs the command, but where we are.
    ['it isolates nothing', 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"'],
  ])('nothing is started: %s', async (name, script) => {
    const unshare = await fakeUnshare(`unshare-${name.replaceAll(' ', '-')}`, script);
    await expect(start({ sandbox: 'on', unshare })).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
  });

  it('a child that is not isolated is refused although the probe was deceived', async () => {
    const deceiving = await fakeUnshare(
      'deceiving-unshare',
      'while [ "${1#--}" != "$1" ]; do shift; done; [ "$1" = readlink ] && echo "net:[1]" && exit 0; exec "$@"',
    );
    const starting = start({ sandbox: 'on', unshare: deceiving });
    await expect(starting).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
  });

  it('a site that switched the sandbox off is served, and the child says that it is not isolated', async () => {
    const child = await start({ sandbox: 'off', unshare: join(hostile.folder, 'none') });
    expect(child.isolated).toBe(false);
    expect(await child.call('echo', [1, 2])).toEqual([1, 2]);
  });

  it('there are no flags', async () => {
    expect(await findUnshareFlags(join(hostile.folder, 'none'))).toBeUndefined();
  });
});

describe('a child', () => {
  it('gets PATH, LANG, TZ and what it is given, and nothing else of our environment', async () => {
    process.env['CONSILIUM_TEST_TOKEN'] = 'secret';
    process.env['HTTPS_PROXY'] = 'http://proxy.example';
    const child = await start({ env: { CONSILIUM_STUDY: 'lung' } });
    const environment = await child.call('environment', null);
    delete process.env['CONSILIUM_TEST_TOKEN'];
    delete process.env['HTTPS_PROXY'];
    const allowed = ['PATH', 'LANG', 'TZ', 'CONSILIUM_STUDY', 'NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'];
    // A shell or a libc may add its own; what matters is that nothing of ours comes through.
    expect(environment['CONSILIUM_STUDY']).toBe('lung');
    expect(Object.keys(environment).filter((name) => name in process.env && !allowed.includes(name))).toEqual([]);
  });

  it('lets others go first', async () => {
    const child = await start({ nice: 7 });
    // Field 19 of proc_pid_stat(5), counted behind the command's closing parenthesis.
    const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
    expect(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])).toBe(7);
  });

  it('does not outlive a parent that is killed', async () => {
    const running = spawn(process.execPath, [parent.path, hostile.path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = Number(String((await once(running.stdout, 'data'))[0]));
    expect(isAlive(pid)).toBe(true);
    running.kill('SIGKILL');
    for (let i = 0; i < 400 && isAlive(pid); i++) await setTimeout(25);
    expect(isAlive(pid)).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
