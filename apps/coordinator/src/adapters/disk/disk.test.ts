import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Fault, type RunId } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alpha } from '../../fixtures/plan.fixture.js';
import { chunksOf, sha256Of } from '../../fixtures/updates.fixture.js';
import { DiskEquivocation } from './equivocation.js';
import { createIdempotent, diskFault, makeFolder, overwrite, sizeOf } from './files.js';
import { DiskModelFiles } from './models.js';
import { DiskSpool } from './spool.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-disk-'));
});
afterAll(() => rm(folder, { recursive: true }));
const fresh = (): Promise<string> => mkdtemp(join(folder, 'case-'));

describe('the verbs of durable writing', () => {
  it('leave the whole file and nothing else', async () => {
    const at = await fresh();
    await overwrite(join(at, 'a'), Buffer.from('first'));
    await overwrite(join(at, 'a'), Buffer.from('second'));
    expect(await readFile(join(at, 'a'), 'utf8')).toBe('second');
    expect(await readdir(at)).toEqual(['a']);
    expect((await stat(join(at, 'a'))).mode & 0o777).toBe(0o600);
  });

  it('do not write a file of this name and length again, but do replace a torn one', async () => {
    const at = join(await fresh(), 'model');
    await createIdempotent(at, Buffer.from('whole'));
    const { mtimeMs } = await stat(at);
    await createIdempotent(at, Buffer.from('whole'));
    expect((await stat(at)).mtimeMs).toBe(mtimeMs);
    await writeFile(at, 'who');
    await createIdempotent(at, Buffer.from('whole'));
    expect(await readFile(at, 'utf8')).toBe('whole');
  });

  it('leave no draft behind when the target cannot be written', async () => {
    const at = await fresh();
    await mkdir(join(at, 'taken'));
    await expect(overwrite(join(at, 'taken'), Buffer.from('x'))).rejects.toThrow();
    expect(await readdir(at)).toEqual(['taken']);
  });

  it('make nested folders and know what is not there', async () => {
    const at = await fresh();
    await makeFolder(join(at, 'a', 'b'));
    await makeFolder(join(at, 'a', 'b'));
    expect(await sizeOf(join(at, 'a', 'none'))).toBeUndefined();
  });

  it('name a full disk and an exhausted quota, and nothing else', () => {
    for (const code of ['ENOSPC', 'EDQUOT']) {
      expect(diskFault(Object.assign(new Error('/secret/path'), { code }))).toMatchObject({
        code: 'DISK_FULL',
        facts: {},
      });
    }
    const denied = Object.assign(new Error(), { code: 'EACCES' });
    expect(diskFault(denied)).toBe(denied);
  });
});

describe('evidence of two histories', () => {
  it('lies in the state as one file, and is there at the next start', async () => {
    const path = join(await fresh(), 'equivocation.json');
    expect(await new DiskEquivocation(path).exists()).toBe(false);
    await new DiskEquivocation(path).write('{"a":1}');
    expect(await new DiskEquivocation(path).exists()).toBe(true);
    expect(await readFile(path, 'utf8')).toBe('{"a":1}');
  });
});

it('updates that are kept for auditors lie under their digest alone', async () => {
  const at = await fresh();
  const digest = await new DiskModelFiles(at, '').put(Buffer.from('update'));
  expect(await readdir(at)).toEqual([digest]);
});

describe.skipIf(process.platform !== 'linux')('a full disk (needs Linux’s /dev/full)', () => {
  const bytes = Buffer.alloc(3000, 7);
  const slot = { run: 'run-0000000001' as RunId, round: 1, attempt: 1, site: alpha, sha256: sha256Of(bytes) };
  const fileOf = (state: string, kind: string): string => join(state, slot.run, '1-1', `alpha.${slot.sha256}.${kind}`);

  it('ends an upload with DISK_FULL and leaves nothing of it', async () => {
    const state = await fresh();
    await mkdir(dirname(fileOf(state, 'part')), { recursive: true });
    await symlink('/dev/full', fileOf(state, 'part'));
    const spool = new DiskSpool(state);
    await expect(spool.receive(slot, 0, chunksOf(bytes))).rejects.toSatisfy((error) => Fault.is(error, 'DISK_FULL'));
    expect(await readdir(dirname(fileOf(state, 'part')))).toEqual([]);
    expect(await spool.receive(slot, 0, chunksOf(bytes))).toEqual({ length: 3000, sha256: slot.sha256 });
  });
});

describe('the spool’s files', () => {
  it('are .part while bytes come and .update when all are there', async () => {
    const state = await fresh();
    const spool = new DiskSpool(state);
    const bytes = Buffer.from('an update');
    const slot = { run: 'run-0000000001' as RunId, round: 3, attempt: 2, site: alpha, sha256: sha256Of(bytes) };
    await spool.receive(slot, 0, chunksOf(bytes));
    expect(await readdir(join(state, slot.run, '3-2'))).toEqual([`alpha.${slot.sha256}.part`]);
    await spool.keep(slot);
    expect(await readdir(join(state, slot.run, '3-2'))).toEqual([`alpha.${slot.sha256}.update`]);
  });

  it('are not looked for outside of runs', async () => {
    const state = await fresh();
    for (const name of ['lost+found', '..hidden', 'run-0000000001']) await mkdir(join(state, name));
    expect(await new DiskSpool(state).runs()).toEqual(['run-0000000001']);
  });
});

describe('model files', () => {
  it('hold the bytes and nothing beside them', async () => {
    const state = await fresh();
    const bytes = Buffer.from('weights');
    const digest = await new DiskModelFiles(state).put(bytes);
    expect(await readdir(state)).toEqual([`${digest}.safetensors`]);
    expect(await readFile(join(state, `${digest}.safetensors`), 'utf8')).toBe('weights');
  });
});
