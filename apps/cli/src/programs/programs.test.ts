import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { build } from '../testing/built.fixture.js';
import { locate } from './locate.js';
import { passThrough } from './pass-through.js';

let folder: string;
beforeAll(build, 240_000);
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'consilium-pass-'))));
afterEach(() => rm(folder, { recursive: true }));

const program = async (source: string): Promise<string> => {
  const file = join(folder, 'program.mjs');
  await writeFile(file, source);
  return file;
};

describe('a program that is passed through', () => {
  it('is given the arguments, and its exit code is the answer', async () => {
    expect(
      await passThrough(await program(`process.exit(process.argv.slice(2).join() === 'serve,--x' ? 7 : 1)`), [
        'serve',
        '--x',
      ]),
    ).toBe(7);
    expect(await passThrough(await program(''), [])).toBe(0);
  });

  it('that a signal ended answers as a shell does', async () => {
    expect(await passThrough(await program(`process.kill(process.pid, 'SIGKILL')`), [])).toBe(128 + 9);
  });

  it('leaves no listener behind', async () => {
    const before = process.listenerCount('SIGTERM');
    await passThrough(await program(''), []);
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });

  it.each([['SIGTERM'], ['SIGINT'], ['SIGHUP']] as const)(
    'is told of %s and may end in its own way',
    async (signal) => {
      const inner = await program(
        `process.on('${signal}', () => process.exit(5)); console.log('up'); setInterval(() => {}, 1000);`,
      );
      // A process of its own for the one that hands on, so that the signal comes to it alone.
      const source = pathToFileURL(join(import.meta.dirname, 'pass-through.ts'))
        .href.replace('/src/', '/dist/')
        .replace(/\.ts$/, '.js');
      const outer = spawn(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `const { passThrough } = await import('${source}'); process.exit(await passThrough('${inner}', []));`,
        ],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      await new Promise((resolve) => outer.stdout.once('data', resolve));
      const ended = new Promise((resolve) => outer.once('exit', resolve));
      outer.kill(signal);
      expect(await ended).toBe(5);
    },
  );
});

describe('finding a program', () => {
  it('looks beside this one, built', () => {
    // Whether it is built depends on what ran before; either way the answer is clear.
    for (const name of ['agent', 'coordinator'] as const) {
      let answer: unknown;
      try {
        answer = locate(name);
      } catch (error) {
        answer = error;
      }
      if (typeof answer === 'string') expect(answer).toMatch(new RegExp(`apps/${name}/dist/main\\.js$`));
      else expect(answer).toMatchObject({ code: 'NOT_BUILT', facts: { program: name } });
    }
  });
});
