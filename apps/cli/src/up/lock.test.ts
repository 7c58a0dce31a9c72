import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockState } from './lock.js';
import { PeakMemory } from './memory.js';
import { freePorts } from './ports.js';
import { commandLineOf, lives, peakRssBytes, startOf } from './processes.js';

let run: string;
beforeEach(async () => void (run = await mkdtemp(join(tmpdir(), 'consilium-lock-'))));
afterEach(() => rm(run, { recursive: true }));

/** A process that was alive and is not any more. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid!;
}

describe('the lock of a state directory', () => {
  it('is held by one at a time', async () => {
    const lock = await lockState(run);
    await expect(lockState(run)).rejects.toMatchObject({ code: 'STATE_LOCKED' });
    await lock.release();
    await (await lockState(run)).release();
  });

  it('leaves nothing behind when it is released', async () => {
    await (await lockState(join(run, 'new'))).release();
    expect(await readdir(join(run, 'new'))).toEqual([]);
  });

  it('of a process that was killed is taken over', async () => {
    await writeFile(join(run, 'lock'), JSON.stringify({ pid: await deadProcess(), started: '1' }));
    await (await lockState(run)).release();
    expect(await readdir(run)).toEqual([]);
  });

  it('of a process whose number another one has by now is taken over', async () => {
    await writeFile(join(run, 'lock'), JSON.stringify({ pid: process.pid, started: 'long ago' }));
    await (await lockState(run)).release();
  });

  it.each(['', 'hello', 'null', '{"pid":"x"}', '{"pid":-1}'])(
    'that is no lock of ours (%j) is taken over',
    async (text) => {
      await writeFile(join(run, 'lock'), text);
      await (await lockState(run)).release();
    },
  );

  it('is not removed by one who lost it', async () => {
    const lock = await lockState(run);
    await writeFile(join(run, 'lock'), 'somebody else’s');
    await lock.release();
    expect(await readFile(join(run, 'lock'), 'utf8')).toBe('somebody else’s');
  });
});

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

  it('have a command line', async () => {
    expect(await commandLineOf(process.pid)).toContain('node');
    expect(await commandLineOf(await deadProcess())).toBe('');
  });

  it.skipIf(process.platform !== 'linux')('have a peak of memory that is at least what they use', async () => {
    expect(await peakRssBytes(process.pid)).toBeGreaterThan(10_000_000);
    expect(await peakRssBytes(await deadProcess())).toBeUndefined();
  });
});

describe('the peak of a program’s memory', () => {
  it('is the largest over all its starts', async () => {
    const clock = new ManualClock();
    const told = new Map([
      [1, 500],
      [2, 300],
    ]);
    let pid: number | undefined;
    const peak = new PeakMemory(
      () => pid,
      clock,
      (asked) => Promise.resolve(told.get(asked)),
    );
    expect(await peak.read()).toBeNull();
    pid = 1;
    expect(await peak.read()).toBe(500);
    pid = 2;
    expect(await peak.read()).toBe(500);
    told.set(2, 900);
    expect(await peak.read()).toBe(900);
    pid = 3;
    expect(await peak.read()).toBe(900);
  });

  it('is asked for each second until it is stopped', async () => {
    const clock = new ManualClock();
    let asked = 0;
    const peak = new PeakMemory(
      () => 1,
      clock,
      () => Promise.resolve(++asked),
    );
    peak.start();
    for (let i = 0; i < 3; i++) {
      clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(asked).toBe(3);
    peak.stop();
    clock.advance(10_000);
    expect(asked).toBe(3);
  });
});

describe('free ports', () => {
  it('differ, and can be taken', async () => {
    const ports = await freePorts(5);
    expect(new Set(ports).size).toBe(5);
    const server = createServer().listen(ports[0], '127.0.0.1');
    await once(server, 'listening');
    await new Promise((resolve) => server.close(resolve));
  });
});
