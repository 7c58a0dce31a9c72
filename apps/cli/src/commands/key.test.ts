import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decodeKeyFile,
  encodeKeyFile,
  encodePublicKey,
  fingerprintWords,
  keyId,
  newSigningKey,
} from '@consilium/identity';
import { ManualClock } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Interrupts } from '../interrupts.js';
import { runCommand } from '../program.js';
import { memoryTerminal, type MemoryTerminal } from '../testing/terminal.fixture.js';

const PASSPHRASE = 'correct horse battery';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-key-'));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const text = (name: string): Promise<string> => readFile(at(name), 'utf8');

interface Asked {
  readonly question: string;
  readonly secret: boolean;
}

/** Runs `consilium key …` for a person who gives these answers; without any, nobody is there. */
async function key(argv: string[], answers?: string[]): Promise<MemoryTerminal & { exit: number; asked: Asked[] }> {
  const terminal = memoryTerminal();
  const asked: Asked[] = [];
  const ask = (question: string, secret: boolean): Promise<string> => {
    asked.push({ question, secret });
    return Promise.resolve(answers?.shift() ?? '');
  };
  const shown = { ...terminal, ...(answers && { ask }) };
  const exit = await runCommand(['key', ...argv], shown, new Interrupts(new ManualClock()));
  return { ...terminal, exit, asked };
}
const codeOf = ({ outLines }: MemoryTerminal): string =>
  (JSON.parse(outLines.at(-1)!) as { error: { code: string } }).error.code;

describe('consilium key create', () => {
  it('asks twice for a passphrase, unseen, and seals the key with it', async () => {
    const { exit, asked, outLines } = await key(['create', '--out', at('dpo.key')], [PASSPHRASE, PASSPHRASE]);
    expect(exit).toBe(0);
    expect(asked.map(({ secret }) => secret)).toEqual([true, true]);
    const { publicKey } = decodeKeyFile(await text('dpo.key'), PASSPHRASE);
    const told = outLines.join('\n');
    expect(told).toContain(encodePublicKey(publicKey));
    expect(told).toContain(keyId(publicKey));
    expect(told).toContain(fingerprintWords(publicKey));
    expect(told).not.toContain(PASSPHRASE);
    expect((await stat(at('dpo.key'))).mode & 0o777).toBe(0o600);
  });

  it('takes the passphrase from a file, without the end of its line', async () => {
    await writeFile(at('passphrase'), `${PASSPHRASE}\r\n`);
    const { exit, asked } = await key(['create', '--out', at('k'), '--passphrase-file', at('passphrase')], []);
    expect({ exit, asked }).toEqual({ exit: 0, asked: [] });
    expect(decodeKeyFile(await text('k'), PASSPHRASE).publicKey).toHaveLength(32);
  });

  it('makes a key for a machine without a passphrase, and says that it is not sealed', async () => {
    const { exit, outLines } = await key(['create', '--out', at('k'), '--no-passphrase']);
    expect(exit).toBe(0);
    expect(outLines.join('\n')).toContain('NOT sealed');
    expect(decodeKeyFile(await text('k')).publicKey).toHaveLength(32);
  });

  it('refuses two answers that differ, a short one, and nobody to ask', async () => {
    expect(await key(['create', '--out', at('k')], [PASSPHRASE, `${PASSPHRASE}!`])).toMatchObject({ exit: 2 });
    expect(codeOf(await key(['create', '--out', at('k'), '--json'], ['short', 'short']))).toBe('PASSWORD_TOO_WEAK');
    expect(codeOf(await key(['create', '--out', at('k'), '--json']))).toBe('USAGE');
    await expect(stat(at('k'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuses a passphrase file that is not there, is empty, or is given besides --no-passphrase', async () => {
    const create = (...more: string[]) => key(['create', '--out', at('k'), '--json', ...more]);
    expect(codeOf(await create('--passphrase-file', at('nowhere')))).toBe('NOT_FOUND');
    await writeFile(at('empty'), '');
    expect(codeOf(await create('--passphrase-file', at('empty')))).toBe('PASSWORD_TOO_WEAK');
    expect(await create('--passphrase-file', at('empty'), '--no-passphrase')).toMatchObject({ exit: 2 });
    expect(await key(['create'])).toMatchObject({ exit: 2 });
  });

  it('never overwrites a key', async () => {
    await key(['create', '--out', at('k'), '--no-passphrase']);
    const before = await text('k');
    expect(codeOf(await key(['create', '--out', at('k'), '--no-passphrase', '--json']))).toBe('ALREADY_EXISTS');
    expect(await text('k')).toBe(before);
  });
});

describe('consilium key show', () => {
  const one = newSigningKey();
  const show = (...more: string[]) => key(['show', at('k'), '--json', ...more]);

  it('shows the public part of a sealed key without its passphrase, and nothing secret', async () => {
    await writeFile(at('k'), encodeKeyFile(one, PASSPHRASE));
    const { exit, outLines } = await show();
    expect(exit).toBe(0);
    expect(JSON.parse(outLines.at(-1)!)).toEqual({
      file: at('k'),
      publicKey: encodePublicKey(one.publicKey),
      keyid: keyId(one.publicKey),
      words: fingerprintWords(one.publicKey),
      sealed: true,
    });
  });

  it('opens it where the passphrase is given, and tells a wrong one', async () => {
    await writeFile(at('k'), encodeKeyFile(one, PASSPHRASE));
    await writeFile(at('right'), PASSPHRASE);
    await writeFile(at('wrong'), 'correct horse bottle');
    expect(await show('--passphrase-file', at('right'))).toMatchObject({ exit: 0 });
    expect(codeOf(await show('--passphrase-file', at('wrong')))).toBe('KEY_LOCKED');
  });

  it('shows a key that is not sealed as that, and refuses one whose halves do not belong together', async () => {
    await writeFile(at('k'), encodeKeyFile(one));
    expect((await key(['show', at('k')])).outLines.join('\n')).toContain('NOT sealed');
    const other = JSON.parse(encodeKeyFile(newSigningKey())) as { secret: string };
    const mixed = { ...(JSON.parse(encodeKeyFile(one)) as object), secret: other.secret };
    await writeFile(at('k'), JSON.stringify(mixed));
    expect(codeOf(await show())).toBe('KEY_INVALID');
  });

  it('refuses a file that is not there, or no key', async () => {
    expect(codeOf(await show())).toBe('NOT_FOUND');
    await writeFile(at('k'), 'ssh-ed25519 AAAA');
    expect(codeOf(await show())).toBe('KEY_INVALID');
  });
});
