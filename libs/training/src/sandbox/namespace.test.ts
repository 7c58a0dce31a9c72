import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { findUnshareFlags, namespaceOf } from './namespace.js';

const onLinux = describe.skipIf(process.platform !== 'linux');

onLinux('the network namespace of a process (skipped where there is no /proc)', () => {
  it('is named by kind and inode', async () => {
    expect(await namespaceOf('self')).toMatch(/^net:\[\d+\]$/);
    expect(await namespaceOf(process.pid)).toBe(await namespaceOf('self'));
  });

  it('is that of its parent where nothing was done about it', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log(1)']);
    await once(child.stdout, 'data');
    expect(await namespaceOf(child.pid!)).toBe(await namespaceOf('self'));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await namespaceOf(child.pid!)).toBeUndefined();
  });

  it('is not known of a process that there is not', async () => {
    // Beyond the largest process id of Linux, 2^22.
    expect(await namespaceOf(2 ** 22 + 1)).toBeUndefined();
  });
});

describe('the way into a new namespace', () => {
  it('is either a list of flags that asks for a network namespace, or none', async () => {
    const flags = await findUnshareFlags();
    if (flags !== undefined) expect(flags).toContain('--net');
  });

  it('is none where a program only claims to know it', async () => {
    // `true` succeeds and prints nothing; `echo` prints something else.
    expect(await findUnshareFlags('true')).toBeUndefined();
    expect(await findUnshareFlags('echo')).toBeUndefined();
    expect(await findUnshareFlags('no-such-program')).toBeUndefined();
  });
});
