import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockState } from './lock.js';

let state: string;
beforeEach(async () => {
  state = join(await mkdtemp(join(tmpdir(), 'lock-')), 'state');
});
afterEach(() => rm(join(state, '..'), { recursive: true, force: true }));

const nobody = async (): Promise<boolean> => false;

describe('the lock on a state directory', () => {
  it('makes the directory, for its owner alone', async () => {
    await lockState(state, nobody);
    expect((await stat(state)).mode & 0o777).toBe(0o700);
    expect(await readdir(state)).toEqual(['lock']);
  });

  it('is held by one at a time, and can be taken again after its release', async () => {
    const lock = await lockState(state, nobody);
    await expect(lockState(state, nobody)).rejects.toMatchObject({ code: 'STATE_LOCKED' });
    await lock.release();
    await (await lockState(state, nobody)).release();
    expect(await readdir(state)).toEqual([]);
  });

  it('of two that try at once, gives the directory to one', async () => {
    // The second process must not be this one: both ask under their own process number.
    const outcomes = await Promise.allSettled([lockState(state, nobody), lockState(state, nobody)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is taken over from a process that was killed', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await lockState(state, nobody);
    const own = JSON.parse(await readFile(join(state, 'lock'), 'utf8')) as object;
    await writeFile(
      join(state, 'lock'),
      JSON.stringify({ ...own, pid: child.pid, started: await started(child.pid!) }),
    );
    await expect(lockState(state, nobody)).rejects.toMatchObject({ code: 'STATE_LOCKED' });
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    await (await lockState(state, nobody)).release();
  });

  it('is taken over when its number belongs to a later process', async () => {
    await lockState(state, nobody);
    await writeFile(join(state, 'lock'), JSON.stringify({ pid: process.pid, started: '1' }));
    await (await lockState(state, nobody)).release();
  });

  it('is not taken over while an agent answers on the socket, though its process cannot be seen from here', async () => {
    await lockState(state, nobody);
    await writeFile(join(state, 'lock'), JSON.stringify({ pid: 2 ** 22 - 1, started: '1' }));
    await expect(lockState(state, async () => true)).rejects.toMatchObject({ code: 'STATE_LOCKED' });
  });

  it('does not stay locked for what nobody can read', async () => {
    await lockState(state, nobody);
    await writeFile(join(state, 'lock'), '{"pid":');
    await (await lockState(state, nobody)).release();
  });

  it('leaves a lock alone that another has taken over in the meantime', async () => {
    const lock = await lockState(state, nobody);
    await writeFile(join(state, 'lock'), 'another’s');
    await lock.release();
    expect(await readFile(join(state, 'lock'), 'utf8')).toBe('another’s');
  });
});

async function started(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
