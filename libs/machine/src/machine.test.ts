import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { systemClock } from './clock.js';
import { isErrno } from './errno.js';
import { lives, startOf } from './processes.js';

/** A process that was alive and is not any more. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid!;
}

describe('processes', () => {
  it('live or do not', async () => {
    expect(await lives(process.pid)).toBe(true);
    expect(await lives(await deadProcess())).toBe(false);
  });

  it('belong to somebody else and live all the same', async () => {
    expect(await lives(1)).toBe(true);
  });

  it('have a time when they started, which stays', async () => {
    expect(await startOf(process.pid)).toBe(await startOf(process.pid));
    expect(await startOf(await deadProcess())).toBe('');
  });
});

describe('an error of the operating system', () => {
  it('is known by its name, and a text that looks like one is not', async () => {
    const missing: unknown = await readFile(join(tmpdir(), 'consilium-there-is-no-such-file')).catch(
      (error: unknown) => error,
    );
    expect(isErrno(missing, 'ENOENT')).toBe(true);
    expect(isErrno(missing, 'EACCES', 'ENOENT')).toBe(true);
    expect(isErrno(missing, 'EACCES')).toBe(false);
    expect(isErrno(new Error('ENOENT'), 'ENOENT')).toBe(false);
    expect(isErrno(undefined, 'ENOENT')).toBe(false);
  });
});

describe('the machine’s clock', () => {
  it('calls back once, and never when it was cancelled', async () => {
    const fired: string[] = [];
    await new Promise<void>((resolve) => {
      systemClock.after(1, () => fired.push('kept'));
      systemClock.after(1, () => fired.push('cancelled'))();
      // Timers of the clock do not keep the process alive; this one does.
      setTimeout(resolve, 30);
    });
    expect(fired).toEqual(['kept']);
  });

  it('waits longer than a timer can count, instead of not at all', async () => {
    let early = false;
    const cancel = systemClock.after(2 ** 40, () => (early = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(early).toBe(false);
    cancel();
  });

  it('has a monotonic time that does not go back, and the time of day', () => {
    const before = systemClock.monotonic();
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
  });
});
