import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readToken } from './token.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-state-'));
});
afterAll(() => rm(folder, { recursive: true }));
const fresh = (): Promise<string> => mkdtemp(join(folder, 'case-'));

describe('the API token', () => {
  it('is made once, from 256 bits, for the owner’s eyes only', async () => {
    const state = await fresh();
    const token = await readToken(state);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(await readToken(state)).toBe(token);
    expect((await stat(join(state, 'api-token'))).mode & 0o777).toBe(0o600);
    expect(await readToken(await fresh())).not.toBe(token);
  });

  it('is closed to others again when its file was opened, and refused when it is not a token', async () => {
    const state = await fresh();
    await writeFile(join(state, 'api-token'), `${'a'.repeat(43)}\n`, { mode: 0o644 });
    await readToken(state);
    expect((await stat(join(state, 'api-token'))).mode & 0o777).toBe(0o600);
    await writeFile(join(state, 'api-token'), '');
    await expect(readToken(state)).rejects.toMatchObject({ code: 'STATE_UNREADABLE' });
    expect(await readFile(join(state, 'api-token'), 'utf8')).toBe('');
  });
});
