import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeKeyFile, encodePublicKey, fingerprintWords } from '@consilium/identity';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../cli.js';
import { memoryTerminal } from '../terminal.fixture.js';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'key-'));
  file = join(folder, 'officer.key');
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const agent = async (args: readonly string[], answers?: readonly string[]) => {
  const memory = memoryTerminal({}, answers);
  return { exit: await runCommand(args, memory.terminal), ...memory };
};
const create = (answers?: readonly string[], ...more: string[]) =>
  agent(['key', 'create', '--out', file, ...more], answers);
const PASSPHRASE = 'correct horse battery';

describe('agent key create', () => {
  it('seals the key by a passphrase that is typed twice and never shown', async () => {
    const { out, asked } = await create([PASSPHRASE, PASSPHRASE]);
    expect(asked.map(({ secret }) => secret)).toEqual([true, true]);
    const key = decodeKeyFile(await readFile(file, 'utf8'), PASSPHRASE);
    expect(out.join('\n')).toContain(`signing: '${encodePublicKey(key.publicKey)}'`);
    expect(out.join('\n')).toContain(fingerprintWords(key.publicKey));
    expect((await stat(file)).mode & 0o077).toBe(0);
  });

  it('makes none of a weak passphrase, of two different ones, or where nobody can be asked', async () => {
    for (const [answers, code] of [
      [['short', 'short'], 'PASSWORD_TOO_WEAK'],
      [[PASSPHRASE, `${PASSPHRASE}!`], 'USAGE'],
      [undefined, 'USAGE'],
    ] as const) {
      expect((await create(answers)).err.join()).toContain(code);
      await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
    }
  });

  it('takes the passphrase from a file, or none where that is said', async () => {
    await writeFile(join(folder, 'passphrase'), `${PASSPHRASE}\n`);
    await create(undefined, '--passphrase-file', join(folder, 'passphrase'));
    expect(decodeKeyFile(await readFile(file, 'utf8'), PASSPHRASE)).toBeDefined();
    await rm(file);
    await create(undefined, '--no-passphrase');
    expect(decodeKeyFile(await readFile(file, 'utf8'))).toBeDefined();
  });

  it('leaves a key alone that is there', async () => {
    await create(undefined, '--no-passphrase');
    const before = await readFile(file, 'utf8');
    expect((await create(undefined, '--no-passphrase')).err.join()).toContain('ALREADY_EXISTS');
    expect(await readFile(file, 'utf8')).toBe(before);
  });
});

describe('agent key show', () => {
  it('tells the public part of a sealed key without its passphrase', async () => {
    const { last } = await create([PASSPHRASE, PASSPHRASE], '--json');
    const shown = await agent(['key', 'show', '--key', file, '--json'], []);
    expect(shown.last()).toEqual(last());
    expect(shown.asked).toEqual([]);
  });

  it('refuses what is no key file', async () => {
    await writeFile(file, 'CANARY');
    const { err } = await agent(['key', 'show', '--key', file]);
    expect(err.join()).toContain('KEY_INVALID');
    expect(err.join()).not.toContain('CANARY');
  });
});
