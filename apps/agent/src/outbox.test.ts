import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digest } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateFault } from './fatal.js';
import { Outbox } from './outbox.js';
import { sha256Of } from './sha256.js';
import { SHARED } from './twins.fixture.js';

let folder: string;
let outbox: Outbox;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outbox-'));
  outbox = new Outbox(join(folder, 'outbox'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const update = (byte: number) => {
  const bytes = new Uint8Array(100).fill(byte);
  return { bytes, sha256: sha256Of(bytes), examples: 16, loss: 0.5, metrics: SHARED };
};
const names = () => readdir(join(folder, 'outbox'));

describe('the outbox', () => {
  it('gives back after a restart what was kept, with what was measured', async () => {
    await outbox.keep(update(1));
    const again = await new Outbox(join(folder, 'outbox')).recall(update(1).sha256);
    expect({ ...again, bytes: Uint8Array.from(again.bytes) }).toEqual(update(1));
    await outbox.keep({ ...update(2), metrics: null });
    expect((await outbox.recall(update(2).sha256)).metrics).toBeNull();
  });

  it('is readable by its owner alone, and leaves no draft behind', async () => {
    await outbox.keep(update(1));
    for (const name of await names()) {
      expect((await stat(join(folder, 'outbox', name))).mode & 0o777).toBe(0o600);
      expect(name).toMatch(/^[0-9a-f]{64}\.(safetensors|json)$/);
    }
  });

  it('refuses a signed update that is gone or damaged, rather than make another in its place', async () => {
    const lost = outbox.recall(digest('a'.repeat(64)));
    await expect(lost).rejects.toMatchObject({ code: 'STATE_UNREADABLE' });
    await outbox.keep(update(1));
    const path = join(folder, 'outbox', `${update(1).sha256}.safetensors`);
    await writeFile(path, update(2).bytes);
    await expect(outbox.recall(update(1).sha256)).rejects.toMatchObject({ code: 'STATE_UNREADABLE' });
    await outbox.keep(update(1));
    expect(sha256Of((await outbox.recall(update(1).sha256)).bytes)).toBe(update(1).sha256);
  });

  it('forgets what a closed round no longer needs, and keeps the rest', async () => {
    await outbox.keep(update(1));
    await outbox.keep(update(2));
    await outbox.release([update(1).sha256, digest('b'.repeat(64))]);
    await expect(outbox.recall(update(1).sha256)).rejects.toMatchObject({ code: 'STATE_UNREADABLE' });
    await outbox.recall(update(2).sha256);
  });

  it('sweeps away what the log does not name, drafts of a crash included', async () => {
    await outbox.sweep(new Set()); // before there is a folder
    await outbox.keep(update(1));
    await outbox.keep(update(2));
    await writeFile(join(folder, 'outbox', `${update(3).sha256}.safetensors.draft`), 'half');
    await outbox.sweep(new Set([update(2).sha256]));
    expect((await names()).sort()).toEqual([`${update(2).sha256}.json`, `${update(2).sha256}.safetensors`]);
  });

  it('stops the agent where it cannot write, since nothing may be signed that is not kept', async () => {
    await writeFile(join(folder, 'file'), '');
    const broken = new Outbox(join(folder, 'file'));
    await expect(broken.keep(update(1))).rejects.toBeInstanceOf(StateFault);
  });
});
