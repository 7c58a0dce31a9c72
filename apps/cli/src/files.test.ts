import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isErrno } from '@consilium/machine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exists, readTextFile, writeFileWhole } from './files.js';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'consilium-files-'))));
afterEach(() => rm(folder, { recursive: true }));

describe('writing a file', () => {
  it('makes the folders above it and leaves nothing else behind', async () => {
    await writeFileWhole(join(folder, 'a', 'b.txt'), 'hello');
    expect(await readFile(join(folder, 'a', 'b.txt'), 'utf8')).toBe('hello');
    expect(await readdir(join(folder, 'a'))).toEqual(['b.txt']);
  });

  it('replaces what was there', async () => {
    const file = join(folder, 'x');
    await writeFileWhole(file, 'a much longer text');
    await writeFileWhole(file, 'short');
    expect(await readFile(file, 'utf8')).toBe('short');
  });

  it('gives a secret mode 600', async () => {
    const file = join(folder, 'key');
    await writeFileWhole(file, 'secret', 0o600);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('leaves the old file and no temporary one when it fails', async () => {
    const file = join(folder, 'x');
    await writeFileWhole(join(file, 'inner'), 'makes x a folder');
    await expect(writeFileWhole(file, 'y')).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['x']);
  });
});

describe('reading a file', () => {
  it('answers undefined where there is none', async () => {
    expect(await readTextFile(join(folder, 'absent'))).toBeUndefined();
    expect(await readTextFile(folder)).toBeUndefined();
  });

  it('refuses one that is too large to be ours', async () => {
    await writeFile(join(folder, 'large'), 'x'.repeat(11));
    await expect(readTextFile(join(folder, 'large'), 10)).rejects.toMatchObject({ code: 'STATE_UNREADABLE' });
  });

  it('knows whether there is one', async () => {
    expect(await exists(folder)).toBe(true);
    expect(await exists(join(folder, 'absent'))).toBe(false);
    await writeFile(join(folder, 'file'), '');
    expect(await exists(join(folder, 'file', 'below'))).toBe(false);
  });
});

describe('the operating system’s errors', () => {
  it('are told apart by name', async () => {
    const error: unknown = await readFile(join(folder, 'absent')).catch((reason: unknown) => reason);
    expect(isErrno(error, 'ENOENT')).toBe(true);
    expect(isErrno(error, 'ENOSPC')).toBe(false);
    expect(isErrno('ENOENT', 'ENOENT')).toBe(false);
  });
});
