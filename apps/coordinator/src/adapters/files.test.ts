import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { DiskModelFiles } from './disk/models.js';
import { DiskSpool } from './disk/spool.js';
import { modelFilesContract, spoolContract } from './files-contract.fixture.js';
import { MemoryModelFiles, MemorySpool } from './memory/files.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-files-'));
});
afterAll(() => rm(folder, { recursive: true }));
const fresh = (): Promise<string> => mkdtemp(join(folder, 'state-'));

describe('the spool in memory', () => spoolContract(async () => new MemorySpool()));
describe('the spool on disk', () => spoolContract(async () => new DiskSpool(await fresh())));
describe('model files in memory', () => modelFilesContract(async () => new MemoryModelFiles()));
describe('model files on disk', () => modelFilesContract(async () => new DiskModelFiles(await fresh())));
