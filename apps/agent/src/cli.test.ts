import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault, InvariantError } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from './cli.js';
import { certificatesOf, writeSite } from './federation.fixture.js';
import { NO_DIGEST, planDocument } from './plan.fixture.js';
import { memoryTerminal } from './terminal.fixture.js';
import { reportFailure } from './terminal.js';

let folder: string;
let settings: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-'));
  settings = await writeSite(folder, await certificatesOf(), { coordinator: { address: 'hub:1' } });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = async (...args: string[]) => {
  const memory = memoryTerminal();
  return { exit: await runCommand(args, memory.terminal), ...memory };
};

describe('the command line', () => {
  it.each([
    [[]],
    [['serve']],
    [['check']],
    [['status']],
    [['join']],
    [['identity']],
    [['plan']],
    ...['list', 'show', 'diff', 'approve', 'reject', 'withdraw', 'suspend', 'resume'].map((word) => [['plan', word]]),
    [['standing']],
    ...['grant', 'list', 'withdraw'].map((word) => [['standing', word]]),
    [['rekey']],
    [['key', 'create']],
    [['key', 'show']],
    [['log']],
    [['log', 'show']],
    [['log', 'verify']],
    [['log', 'restore']],
    [['train']],
    [['evaluate']],
    [['data']],
    [['data', 'phantom']],
    [['data', 'partition']],
    [['data', 'inspect']],
  ])('explains %j with --help, and that is no failure', async (words) => {
    const { exit, out } = await run(...words, '--help');
    expect(exit).toBe(0);
    expect(out.join('\n')).toContain(['Usage: consilium agent', ...words].join(' '));
  });

  it.each([
    ...['approve', 'reject', 'withdraw', 'suspend', 'resume'].map((word) => [['plan', word]]),
    [['standing', 'grant']],
    [['rekey']],
    [['key', 'create']],
  ])('shows how %j is typed', async (words) => {
    expect((await run(...words, '--help')).out.join('\n')).toContain(`Example:\n  consilium agent ${words.join(' ')} `);
  });

  it.each([
    [['nonsense']],
    [['serve']],
    [['train', '--engine', 'abacus']],
    [['plan', 'approve', '--settings', 'x']],
    [['plan', 'suspend', NO_DIGEST, '--settings', 'x']],
    [['plan', 'suspend', NO_DIGEST, '--as', 'director', '--settings', 'x']],
    [['data', 'phantom', '--seed', '-1']],
    [['log', 'restore', '--witnessed', 'many']],
  ])('does not guess at %j: exit code 2 and one line with the code', async (words) => {
    const { exit, err } = await run(...words);
    expect(exit).toBe(2);
    expect(err.filter((line) => line.startsWith('consilium: USAGE: '))).toHaveLength(1);
  });

  it('ends a program’s call with an object that a program can read', async () => {
    const { exit, last } = await run('status', '--settings', join(folder, 'none.yaml'), '--json');
    expect(exit).toBe(1);
    expect(last()).toMatchObject({ error: { code: 'SETTINGS_UNREADABLE', facts: {} } });
    expect((await run('nonsense', '--json')).last()).toMatchObject({ error: { code: 'USAGE' } });
  });

  it('still knows the log by its old name', async () => {
    expect((await run('journal', 'verify', '--help')).exit).toBe(0);
  });

  it('says that no agent runs, where a command needs one', async () => {
    const digest = ['plan', 'suspend', NO_DIGEST, '--as', 'operator'];
    for (const words of [['status'], ['plan', 'list'], ['plan', 'show', NO_DIGEST], digest, ['standing', 'list']]) {
      const { exit, err } = await run(...words, '--settings', settings);
      expect([exit, err[0]]).toEqual([1, expect.stringMatching(/^consilium: UNAVAILABLE: /)]);
    }
  });

  it('names what is wrong with a plan file', async () => {
    const plan = join(folder, 'plan.yaml');
    await writeFile(plan, JSON.stringify({ ...planDocument, rounds: { ...planDocument.rounds, minSites: 9 } }));
    const { err } = await run('data', 'inspect', '--plan', plan, '--data', folder);
    expect(err[0]).toMatch(/PLAN_INVALID: .*rounds\.minSites/);
    expect((await run('data', 'inspect', '--plan', join(folder, 'none'), '--data', folder)).err[0]).toContain(
      'PLAN_UNREADABLE',
    );
  });
});

describe('a failure', () => {
  it('is one line for people: code, sentence, facts', () => {
    const { terminal, err, out } = memoryTerminal();
    expect(reportFailure(new Fault('DATA_LABEL_UNKNOWN', { line: 3 }), false, terminal)).toBe(1);
    expect(err).toEqual([
      'consilium: DATA_LABEL_UNKNOWN: A sample carries a label that the plan does not know. (line: 3)',
    ]);
    expect(out).toEqual([]);
  });

  it('of ours shows its place in the code and not its words', () => {
    const { terminal, err } = memoryTerminal();
    expect(reportFailure(new InvariantError('CANARY'), true, terminal)).toBe(1);
    expect(err[0]).toMatch(/^consilium: INTERNAL: /);
    expect(err[1]).toContain('InvariantError');
    expect(err.join()).not.toContain('CANARY');
  });

  it('after Ctrl-C is exit code 130, without a word', () => {
    const { terminal, err, interrupt } = memoryTerminal();
    interrupt();
    expect(reportFailure(new Fault('CANCELLED'), true, terminal)).toBe(130);
    expect(err).toEqual([]);
  });
});
