import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPeopleKeys } from './keys.js';

let state: string;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'consilium-keys-'));
});
afterEach(() => rm(state, { recursive: true }));

const modeOf = async (name: string): Promise<number> => (await stat(join(state, 'keys', name))).mode & 0o777;

describe('the keys of the state folder', () => {
  it('are made at the first start, for their owner only, and are the same at the next', async () => {
    const first = await readPeopleKeys(state);
    expect((await readdir(join(state, 'keys'))).sort()).toEqual(['access-token.key', 'sealing.key']);
    expect([await modeOf('access-token.key'), await modeOf('sealing.key')]).toEqual([0o600, 0o600]);
    const second = await readPeopleKeys(state);
    expect(Buffer.from(second.accessToken.publicKey)).toEqual(Buffer.from(first.accessToken.publicKey));
    expect(Buffer.from(second.sealing)).toEqual(Buffer.from(first.sealing));
    expect(first.sealing).toHaveLength(32);
  });

  it('that others could read are closed again', async () => {
    await readPeopleKeys(state);
    await chmod(join(state, 'keys', 'access-token.key'), 0o644);
    await readPeopleKeys(state);
    expect(await modeOf('access-token.key')).toBe(0o600);
  });

  it.each([
    ['access-token.key', 'KEY_INVALID'],
    ['sealing.key', 'STATE_UNREADABLE'],
  ])('are never replaced: a damaged %s is %s', async (name, code) => {
    await readPeopleKeys(state);
    await writeFile(join(state, 'keys', name), 'damaged');
    await expect(readPeopleKeys(state)).rejects.toMatchObject({ code });
  });
});
