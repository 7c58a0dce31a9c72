import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { ManualClock } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { PeakMemory } from './memory.js';
import { freePorts } from './ports.js';
import { commandLineOf, peakRssBytes } from './processes.js';

/** A process that was alive and is not any more. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid!;
}

describe('processes', () => {
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
