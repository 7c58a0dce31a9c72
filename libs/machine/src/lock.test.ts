import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockState } from './lock.js';
import { startOf } from './processes.js';

let parent: string;
let state: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'consilium-lock-'));
  state = join(parent, 'state');
});
afterEach(() => rm(parent, { recursive: true, force: true }));

/** Above the largest process number that Linux gives out. */
const NO_PROCESS = 2 ** 22 + 1;
const files = (): Promise<string[]> => readdir(state);
const lockText = (): Promise<string> => readFile(join(state, 'lock'), 'utf8');
/** Puts a lock there as somebody else would have left it. */
async function leave(text: string): Promise<void> {
  await (await lockState(state)).release();
  await writeFile(join(state, 'lock'), text);
}
const holder = (fields: object): string => JSON.stringify(fields);
const take = async (): Promise<void> => (await lockState(state)).release();
const refused = { code: 'STATE_LOCKED', facts: {} };

describe('the lock on a state folder', () => {
  it('makes the folder, for its owner alone', async () => {
    await lockState(state);
    expect((await stat(state)).mode & 0o777).toBe(0o700);
    expect(await files()).toEqual(['lock']);
  });

  it('is held by one at a time, can be taken again after its release, and leaves nothing behind', async () => {
    const lock = await lockState(state);
    await expect(lockState(state)).rejects.toMatchObject(refused);
    await lock.release();
    await take();
    expect(await files()).toEqual([]);
  });

  it('is given to one of many that ask at once, stale or not', async () => {
    for (const stale of [false, true]) {
      await leave(holder({ pid: NO_PROCESS, started: '1' }));
      if (!stale) await rm(join(state, 'lock'));
      const asked = await Promise.allSettled(Array.from({ length: 20 }, () => lockState(state)));
      const given = asked.filter((outcome) => outcome.status === 'fulfilled');
      expect(given).toHaveLength(1);
      expect(await files()).toEqual(['lock']);
      await given[0]!.value.release();
    }
  });

  it('is respected while its process lives, and taken over once that was killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await leave(holder({ pid: child.pid, started: await startOf(child.pid!) }));
    await expect(lockState(state)).rejects.toMatchObject(refused);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await take();
    expect(await files()).toEqual([]);
  });

  it('of a process that is long gone is taken over', async () => {
    await leave(holder({ pid: NO_PROCESS, started: '1' }));
    await take();
  });

  it.skipIf(process.platform !== 'linux')(
    'of another process that has the same number by now is taken over (needs /proc)',
    async () => {
      await leave(holder({ pid: process.pid, started: '1' }));
      await take();
    },
  );

  it.each([
    holder({ pid: process.pid, started: null }),
    holder({ pid: process.pid, started: '' }),
    holder({ pid: process.pid }),
  ])('of a living process whose start is unknown (%s) is respected', async (text) => {
    await leave(text);
    await expect(lockState(state)).rejects.toMatchObject(refused);
  });

  it.each(['', 'hello', 'half a li', 'null', '{"pid":', '{"pid":"x"}', '{"pid":-1}'])(
    'that is no lock of ours (%j) is taken over',
    async (text) => {
      await leave(text);
      await take();
    },
  );

  it('is not taken over while another sign of life is seen, though its process cannot be seen from here', async () => {
    await leave(holder({ pid: NO_PROCESS, started: '1' }));
    await expect(lockState(state, async () => true)).rejects.toMatchObject(refused);
    await (await lockState(state, async () => false)).release();
  });

  it('is not removed by one who lost it to another', async () => {
    const lock = await lockState(state);
    await writeFile(join(state, 'lock'), 'another’s');
    await lock.release();
    expect(await lockText()).toBe('another’s');
  });
});
