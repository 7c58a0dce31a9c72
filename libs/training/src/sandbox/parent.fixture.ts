import type { HostileProtocol } from './hostile-child.fixture.js';
import { spawnSandboxed } from './spawn.js';

/** Starts a child, tells its process id, and stays until it is killed. */
const child = await spawnSandboxed<HostileProtocol>({ modulePath: process.argv[2]!, sandbox: 'off', heapMb: 64 });
void child.call('wait', { heedsAbort: false });
process.stdout.write(`${child.pid}\n`);
