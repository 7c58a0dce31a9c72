import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault, type Code } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataFolder } from './data-folder.js';

const root = mkdtempSync(join(tmpdir(), 'consilium-folder-'));
const data = join(root, 'data');
beforeAll(() => {
  mkdirSync(join(data, 'deep', 'er'), { recursive: true });
  writeFileSync(join(data, 'deep', 'er', 'image.dcm'), 'pixels');
  writeFileSync(join(root, 'secret.dcm'), 'elsewhere');
  symlinkSync(join(root, 'secret.dcm'), join(data, 'link.dcm'));
  symlinkSync(join(data, 'deep'), join(data, 'linked-directory'));
  symlinkSync(data, join(root, 'data-link'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const read = async (path: string, bytesMax = 1000): Promise<string> =>
  Buffer.from(await (await DataFolder.open(data)).read(path, bytesMax)).toString();

async function refuses(path: string, code: Code, bytesMax?: number): Promise<void> {
  const error: unknown = await read(path, bytesMax).then(
    () => 'accepted',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Fault);
  expect((error as Fault).code).toBe(code);
  expect((error as Fault).cause).toBeUndefined();
  // Neither where the data lie nor how a file is called, which may be a patient's name.
  for (const told of ['consilium-folder', 'secret', 'link.dcm', 'image.dcm', 'deep'])
    expect((error as Fault).message).not.toContain(told);
}

describe('a data folder', () => {
  it('reads files at any depth below it', async () => {
    expect(await read('deep/er/image.dcm')).toBe('pixels');
  });

  it('may itself be reached through a link, since the site chose it', async () => {
    const folder = await DataFolder.open(join(root, 'data-link'));
    expect((await folder.read('deep/er/image.dcm', 100)).byteLength).toBe(6);
  });

  it.each([
    '../secret.dcm',
    'deep/../../secret.dcm',
    '/etc/hostname',
    './deep/er/image.dcm',
    'deep//er/image.dcm',
    '',
    'deep\\er',
    'a\0b',
    '..',
  ])('refuses a path that could lead out: %j', (path) => refuses(path, 'DATA_PATH_REFUSED'));

  it('refuses a symbolic link as the file and on the way to it', async () => {
    await refuses('link.dcm', 'DATA_PATH_REFUSED');
    await refuses('linked-directory/er/image.dcm', 'DATA_PATH_REFUSED');
  });

  it('says of what is missing or a directory only that it cannot be read', async () => {
    await refuses('nothing.dcm', 'DATA_UNREADABLE');
    await refuses('nowhere/nothing.dcm', 'DATA_UNREADABLE');
    await refuses('deep', 'DATA_UNREADABLE');
  });

  it('refuses a file larger than asked for before reading it', async () => {
    await refuses('deep/er/image.dcm', 'DATA_TOO_LARGE', 5);
    expect(await read('deep/er/image.dcm', 6)).toBe('pixels');
  });

  it('does not wait at a pipe that nobody writes to', async () => {
    if (spawnSync('mkfifo', [join(data, 'pipe')]).status !== 0) return;
    await refuses('pipe', 'DATA_UNREADABLE');
  });

  it('that does not exist is refused without its path', async () => {
    const error: unknown = await DataFolder.open(join(root, 'absent')).catch((reason: unknown) => reason);
    expect(Fault.is(error, 'DATA_UNREADABLE')).toBe(true);
    expect((error as Fault).message).not.toContain('absent');
  });
});
