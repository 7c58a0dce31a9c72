import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lives } from '@consilium/machine';
import type { Fault } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../clock.js';
import { exists } from '../files.js';
import { failing, programs, SERVES, STUBBORN, type Programs } from '../testing/programs.fixture.js';
import { endLeftovers, PidFiles } from './pid-files.js';
import { LIMITS, Supervisor, type SupervisorLimits } from './supervisor.js';

let made: Programs;
let said: string[];
let gaveUp: Fault[];
let pids: PidFiles;

beforeEach(async () => {
  made = await programs();
  said = [];
  gaveUp = [];
  pids = new PidFiles(join(made.folder, 'run'));
});
afterEach(() => made.clear());

/** A supervisor with short waits. */
const supervisor = (limits: Partial<SupervisorLimits> = {}): Supervisor =>
  new Supervisor(
    {
      children: made.children,
      clock: systemClock,
      pids,
      say: (line) => said.push(line),
      gaveUp: (fault) => gaveUp.push(fault),
    },
    { ...LIMITS, backoffMs: 10, backoffMsMax: 50, ...limits },
  );

const pidFile = (name: string): string => join(made.folder, 'run', `${name}.pid`);

describe('a supervised program', () => {
  it('is started, named with its process, and waited for until it is ready', async () => {
    const keeper = supervisor();
    await keeper.start(await made.spec('hospital-a', SERVES));
    const pid = keeper.pidOf('hospital-a')!;
    expect(said).toEqual([`started hospital-a (process ${pid})`]);
    expect(await readFile(pidFile('hospital-a'), 'utf8')).toBe(`${pid}\n`);
    expect(await lives(pid)).toBe(true);
    await keeper.stop(['hospital-a'], 5_000);
  });

  it('is not ready before it says so, whatever else it says', async () => {
    const keeper = supervisor();
    let isReady = false;
    const source = `process.send('hello'); process.send({ ready: 1 }); setTimeout(() => process.send({ ready: true }), 300); setInterval(() => {}, 1000);`;
    const ready = keeper.start(await made.spec('slow', source)).then(() => (isReady = true));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(isReady).toBe(false);
    await ready;
    await keeper.stop(['slow'], 5_000);
  });

  it('that is killed with -9 is started again under the same name', async () => {
    const keeper = supervisor();
    await keeper.start(await made.spec('hospital-a', SERVES));
    const first = keeper.pidOf('hospital-a')!;
    process.kill(first, 'SIGKILL');
    await vi.waitFor(() => expect(keeper.pidOf('hospital-a')).not.toBe(first), 5_000);
    const second = keeper.pidOf('hospital-a')!;
    await vi.waitFor(async () => expect(await readFile(pidFile('hospital-a'), 'utf8')).toBe(`${second}\n`));
    expect(said.slice(1)).toEqual([
      'hospital-a ended by itself (SIGKILL); it is started again',
      `started again: hospital-a (process ${second})`,
    ]);
    await keeper.stop(['hospital-a'], 5_000);
  });

  it('that is killed before it was ready is started again too', async () => {
    const keeper = supervisor();
    // Says nothing the first time, and that it is ready when it finds what it wrote.
    const source = `import { existsSync, writeFileSync } from 'node:fs';
      const mark = '${join('/', made.folder, 'mark')}';
      if (existsSync(mark)) process.send({ ready: true }); else { writeFileSync(mark, ''); process.kill(process.pid, 'SIGKILL'); }
      setInterval(() => {}, 1000);`;
    await keeper.start(await made.spec('unlucky', source));
    expect(said).toHaveLength(3);
    await keeper.stop(['unlucky'], 5_000);
  });

  it('that dies too often is given up with PROGRAM_DIED', async () => {
    const keeper = supervisor({ deathsMax: 2 });
    await keeper.start(await made.spec('weak', `process.send({ ready: true }, () => process.exit(7));`));
    await vi.waitFor(() => expect(gaveUp).toHaveLength(1), 10_000);
    expect(gaveUp[0]).toMatchObject({ code: 'PROGRAM_DIED', facts: { program: 'weak', times: 3 } });
    expect(said.filter((line) => line.startsWith('started'))).toHaveLength(3);
  });

  it('that dies now and then over a long time is not given up', async () => {
    const keeper = supervisor({ deathsMax: 1, windowMs: 1 });
    await keeper.start(
      await made.spec('weak', `process.send({ ready: true }, () => setTimeout(() => process.exit(7), 20));`),
    );
    await vi.waitFor(() => expect(said.filter((line) => line.startsWith('started')).length).toBeGreaterThan(3), 10_000);
    expect(gaveUp).toEqual([]);
    await keeper.stop(['weak'], 5_000);
  });

  it('that cannot start says why, at once and once', async () => {
    const keeper = supervisor();
    await expect(keeper.start(await made.spec('hub', failing('PORT_IN_USE')))).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      facts: { program: 'hub' },
    });
    expect(gaveUp).toHaveLength(1);
    expect(said).toHaveLength(1);
  });

  it('that cannot start and says nothing we know is tried again, and then given up', async () => {
    const keeper = supervisor({ deathsMax: 1 });
    await expect(
      keeper.start(await made.spec('hub', `console.error('consilium: NO_SUCH_CODE: x'); process.exit(1)`)),
    ).rejects.toMatchObject({
      code: 'PROGRAM_DIED',
    });
    expect(said.filter((line) => line.startsWith('started'))).toHaveLength(2);
  });

  it('that is not ready in time is ended and counts as died', async () => {
    const keeper = supervisor({ readyMs: 200, deathsMax: 0 });
    await expect(keeper.start(await made.spec('mute', `setInterval(() => {}, 1000)`))).rejects.toMatchObject({
      code: 'PROGRAM_DIED',
    });
  });

  it('writes to its own log and nowhere else', async () => {
    const keeper = supervisor();
    await keeper.start(await made.spec('talker', `console.log('to out'); console.error('to err'); ${SERVES}`));
    await keeper.stop(['talker'], 5_000);
    expect(await readFile(join(made.folder, 'logs', 'talker.log'), 'utf8')).toBe('to out\nto err\n');
  });
});

describe('stopping', () => {
  it('asks first and removes the pid file', async () => {
    const keeper = supervisor();
    await keeper.start(await made.spec('polite', SERVES));
    const pid = keeper.pidOf('polite')!;
    await keeper.stop(['polite'], 5_000);
    expect(await lives(pid)).toBe(false);
    expect(await exists(pidFile('polite'))).toBe(false);
    expect(said).toHaveLength(1);
  });

  it('ends what does not hear', async () => {
    const keeper = supervisor();
    await keeper.start(await made.spec('stubborn', STUBBORN));
    const began = performance.now();
    await keeper.stop(['stubborn'], 200);
    expect(performance.now() - began).toBeGreaterThan(190);
    expect(await lives(keeper.pidOf('stubborn')!)).toBe(false);
  });

  it('does not wait for a program that is waiting to be started again', async () => {
    const keeper = supervisor({ backoffMs: 60_000, backoffMsMax: 60_000 });
    await keeper.start(await made.spec('dead', `process.send({ ready: true }, () => process.exit(1));`));
    await vi.waitFor(() => expect(said).toHaveLength(2), 5_000);
    await keeper.stop(['dead'], 5_000);
    expect(said).toHaveLength(2);
  });

  it('does not mind a program that never was', async () => {
    await supervisor().stop(['nobody'], 1_000);
  });

  it('at once ends a program’s own children too', async () => {
    const keeper = supervisor();
    const source = `import { spawn } from 'node:child_process';
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      process.send({ ready: true }); console.log('child', child.pid); setInterval(() => {}, 1000);`;
    await keeper.start(await made.spec('parent', source));
    const log = join(made.folder, 'logs', 'parent.log');
    const child = Number(
      /child (\d+)/.exec(await vi.waitUntil(async () => /child \d+/.exec(await readFile(log, 'utf8'))?.[0]))![1],
    );
    const parent = keeper.pidOf('parent')!;
    made.children.killAll();
    await vi.waitFor(async () => expect([await lives(parent), await lives(child)]).toEqual([false, false]), 5_000);
    await keeper.stop(['parent'], 0);
  });
});

describe('what a killed start left running', () => {
  it('is ended at the next start', async () => {
    const keeper = supervisor();
    await keeper.start(await made.spec('orphan', SERVES));
    const pid = keeper.pidOf('orphan')!;
    expect(await endLeftovers(pids, made.folder, systemClock)).toEqual(['orphan']);
    expect(await lives(pid)).toBe(false);
    await keeper.stop(['orphan'], 1_000);
  });

  it('is ended also when it does not hear', async () => {
    const child = made.children.launch(await made.spec('deaf', STUBBORN));
    await new Promise<void>((resolve) => child.onMessage(() => resolve()));
    await pids.write('deaf', child.pid);
    expect(await endLeftovers(pids, made.folder, systemClock, 100)).toEqual(['deaf']);
    await child.exited;
  });

  it('is left alone when the number belongs to a stranger by now', async () => {
    await pids.write('stranger', process.pid);
    expect(await endLeftovers(pids, join(made.folder, 'elsewhere'), systemClock)).toEqual([]);
    expect(await exists(pidFile('stranger'))).toBe(false);
  });

  it('is nothing in a new state directory', async () => {
    expect(await endLeftovers(new PidFiles(join(made.folder, 'absent')), made.folder, systemClock)).toEqual([]);
  });
});
