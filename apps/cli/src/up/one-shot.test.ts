import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lives } from '@consilium/machine';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../clock.js';
import { failing, programs, type Programs } from '../testing/programs.fixture.js';
import { childEnv } from './children.js';
import { lastFault } from './last-fault.js';
import { atMost, runToEnd } from './one-shot.js';

let made: Programs;
let stop: AbortController;
beforeEach(async () => {
  made = await programs();
  stop = new AbortController();
});
afterEach(() => made.clear());

const run = async (
  source: string,
  onLine?: (value: unknown) => void,
  onStart?: (pid: number) => void,
): Promise<unknown> =>
  runToEnd(
    await made.spec('work', source, 'lines'),
    { children: made.children, clock: systemClock, signal: stop.signal },
    { ...(onStart && { onStart }), ...(onLine && { onLine }) },
  );

describe('a program that works and ends', () => {
  it('answers its last JSON line, and each one as it comes', async () => {
    const seen: unknown[] = [];
    const source = `console.log('talk'); console.log('{"progress":1}'); console.log('{broken'); console.log('{"done":true}'); console.log('bye');`;
    expect(await run(source, (value) => seen.push(value))).toEqual({ done: true });
    expect(seen).toEqual([{ progress: 1 }, { done: true }]);
  });

  it('may answer nothing', async () => {
    expect(await run('')).toBeUndefined();
  });

  it('is told of with its process when it starts', async () => {
    const started: number[] = [];
    await run('', undefined, (pid) => started.push(pid));
    expect(started[0]).toBeGreaterThan(1);
  });

  it('fails with the code that its JSON tells', async () => {
    const source = `console.log(JSON.stringify({ error: { code: 'DATA_EMPTY', message: 'x', facts: {} } })); process.exit(1);`;
    await expect(run(source)).rejects.toMatchObject({ code: 'DATA_EMPTY', facts: { program: 'work' } });
  });

  it('fails with the code that its last words tell', async () => {
    await expect(run(failing('SANDBOX_UNAVAILABLE'))).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
  });

  it.each([
    ['process.exit(3)', 3],
    ["process.kill(process.pid, 'SIGKILL')", 'SIGKILL'],
  ])('fails with PROGRAM_DIED when it only ends (%s)', async (source, ended) => {
    await expect(run(source)).rejects.toMatchObject({ code: 'PROGRAM_DIED', facts: { program: 'work', ended } });
  });

  it('is not believed when it ends badly after a good last line', async () => {
    await expect(run(`console.log('{"tests":{}}'); process.exit(1);`)).rejects.toMatchObject({ code: 'PROGRAM_DIED' });
  });

  it('is stopped with the work that it belongs to', async () => {
    let pid = 0;
    const running = run(
      `console.log('{}'); setInterval(() => {}, 1000);`,
      () => stop.abort(),
      (started) => (pid = started),
    );
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await lives(pid)).toBe(false);
  });

  it('is not started when the work has stopped already', async () => {
    stop.abort();
    const started: number[] = [];
    await expect(run('', undefined, (pid) => started.push(pid))).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(started).toEqual([]);
  });
});

describe('a program whose last line is an answer whatever its exit code', () => {
  const judge = async (source: string): Promise<unknown> =>
    runToEnd(
      await made.spec('judge', source, 'lines'),
      { children: made.children, clock: systemClock, signal: stop.signal },
      { isAnswer: (last) => (last as { verdict?: unknown } | undefined)?.verdict !== undefined },
    );

  it('is believed when it ends with another code than 0', async () => {
    expect(await judge(`console.log('{"verdict":"fail"}'); process.exitCode = 1;`)).toEqual({ verdict: 'fail' });
  });

  it('is not when its last line is none, or when it was killed', async () => {
    await expect(judge(`console.log('{"other":1}'); process.exitCode = 1;`)).rejects.toMatchObject({
      code: 'PROGRAM_DIED',
    });
    const killed = `process.stdout.write('{"verdict":"pass"}\\n', () => process.kill(process.pid, 'SIGKILL'))`;
    await expect(judge(killed)).rejects.toMatchObject({ code: 'PROGRAM_DIED' });
  });
});

describe('a program that was started', () => {
  it('has a channel to this one, whose end tells it that this one is gone', async () => {
    expect(await run(`console.log(JSON.stringify({ connected: process.connected }))`)).toEqual({ connected: true });
  });
});

describe('what a program said last', () => {
  const log = async (text: string): Promise<string> => {
    const file = join(made.folder, 'x.log');
    await writeFile(file, text);
    return file;
  };

  it('is its last code, by its own name', async () => {
    const file = await log(
      '{"level":30}\nconsilium: DISK_FULL: first\nconsilium: PORT_IN_USE: then (port: 1)\n    at stack\n',
    );
    expect(await lastFault(file, 0, 'hub')).toMatchObject({ code: 'PORT_IN_USE', facts: { program: 'hub' } });
  });

  it('is not what an earlier process of the same log said', async () => {
    const old = 'consilium: DISK_FULL: x\n';
    expect(await lastFault(await log(`${old}hello\n`), old.length, 'hub')).toBeUndefined();
  });

  it('takes over no more than the code, since the rest may be anything', async () => {
    const fault = await lastFault(await log('consilium: DATA_UNREADABLE: patient Doe^John (file: x)\n'), 0, 'a');
    expect(fault!.message).not.toContain('Doe');
  });

  it('is nothing where no code of ours stands at the beginning of a line', async () => {
    expect(await lastFault(await log('said consilium: DISK_FULL: x\nconsilium: MADE_UP: y\n'), 0, 'a')).toBeUndefined();
  });

  it('is looked for at the end of a long log only', async () => {
    const file = await log(`consilium: DISK_FULL: x\n${'y'.repeat(20_000)}\n`);
    expect(await lastFault(file, 0, 'a')).toBeUndefined();
    await appendFile(file, 'consilium: PORT_IN_USE: x\n');
    expect(await lastFault(file, 0, 'a')).toMatchObject({ code: 'PORT_IN_USE' });
  });
});

describe('a log', () => {
  it('is begun anew when it is long, and one old one is kept', async () => {
    const spec = await made.spec('long', `console.error('new')`, 'lines');
    await mkdir(join(made.folder, 'logs'));
    await writeFile(spec.log, 'x'.repeat(16 * 1024 * 1024));
    const child = made.children.launch(spec);
    child.lines!.resume();
    await child.exited;
    expect(child.logStart).toBe(0);
    expect(await readFile(spec.log, 'utf8')).toBe('new\n');
    expect((await readFile(`${spec.log}.1`)).byteLength).toBe(16 * 1024 * 1024);
  });
});

describe('the environment of a started program', () => {
  const env = {
    PATH: '/bin',
    CONSILIUM_STATE: '/x',
    CONSILIUM_TOKEN: 'secret',
    DATABASE_URL: 'postgresql://u:p@h/d',
    NODE_OPTIONS: '--no-warnings',
  };

  it('has no settings of this program’s, which would override those of all', () => {
    expect(childEnv(env, 'coordinator')).toEqual({
      PATH: '/bin',
      DATABASE_URL: 'postgresql://u:p@h/d',
      NODE_OPTIONS: '--no-warnings',
    });
  });

  it('keeps the database’s address from the agents', () => {
    expect(childEnv(env, 'agent')).toEqual({ PATH: '/bin', NODE_OPTIONS: '--no-warnings' });
  });

  it('names the Python with which an agent may train, since that is of the machine', () => {
    expect(childEnv({ ...env, CONSILIUM_PYTHON: '/venv/bin/python' }, 'agent')).toMatchObject({
      CONSILIUM_PYTHON: '/venv/bin/python',
    });
  });
});

describe('work at most so many at a time', () => {
  it('is begun in order and never more than the limit at once', async () => {
    const begun: number[] = [];
    let [now, most] = [0, 0];
    const work = Array.from({ length: 7 }, (_, i) => async () => {
      begun.push(i);
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
    });
    await atMost(2, work);
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(most).toBe(2);
  });

  it('begins nothing more after a failure, and waits for what had begun', async () => {
    const failure = new Error('no');
    const third = vi.fn(() => Promise.resolve());
    let secondEnded = false;
    const work = [
      () => Promise.reject(failure),
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        secondEnded = true;
      },
      third,
    ];
    await expect(atMost(2, work)).rejects.toBe(failure);
    expect(secondEnded).toBe(true);
    expect(third).not.toHaveBeenCalled();
  });

  it('may be nothing', async () => {
    await atMost(2, []);
  });
});
