import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault, InvariantError } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from './cli.js';
import { FileJournal } from './journal/file.js';
import { approvedRecords, DATASET, NO_DIGEST, planDocument, RUN } from './plan.fixture.js';
import { memoryTerminal } from './terminal.fixture.js';
import { reportFailure } from './terminal.js';
import { clockAt } from './twins.fixture.js';

let folder: string;
let settings: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-'));
  settings = join(folder, 'agent.yaml');
  const tls = { ca: 'ca.pem', certificate: 'c.pem', privateKey: 'k.pem' };
  await writeFile(
    settings,
    JSON.stringify({ site: 'site-a', federation: 'testfed', state: 'state', coordinator: { address: 'hub:1' }, tls }),
  );
  await mkdir(join(folder, 'state'));
  const { journal } = await FileJournal.open(join(folder, 'state', 'journal.jsonl'), clockAt());
  for (const record of approvedRecords()) await journal.append(record);
  await journal.append({
    type: 'egress.sent',
    message: 'update',
    bytes: 1234,
    sha256: NO_DIGEST,
    run: RUN,
    round: 1,
    attempt: 1,
  });
  await journal.close();
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
    [['plans']],
    [['approve']],
    [['reject']],
    [['journal']],
    [['journal', 'show']],
    [['journal', 'verify']],
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
    [['nonsense']],
    [['serve']],
    [['train', '--engine', 'abacus']],
    [['approve', '--settings', 'x']],
    [['data', 'phantom', '--seed', '-1']],
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

  it('says that no agent runs, where a command needs one', async () => {
    for (const words of [['status'], ['plans'], ['approve', NO_DIGEST], ['reject', NO_DIGEST]]) {
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

describe('the journal on the command line', () => {
  it('shows each entry on a line of its own', async () => {
    const { exit, out } = await run('journal', 'show', '--settings', settings);
    expect(exit).toBe(0);
    expect(out).toHaveLength(4);
    expect(out[1]).toContain(`dataset.loaded     run ${RUN}  digest ${DATASET.digest}`);
    expect(out[3]).toMatch(/^ {5}4 {2}\d{4}-.*egress\.sent {8}message update {2}bytes 1234/);
    const json = (await run('journal', 'show', '--settings', settings, '--json')).out.map(
      (line) => JSON.parse(line) as { seq: number },
    );
    expect(json.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });

  it('verifies the whole chain and counts what left', async () => {
    const { exit, last } = await run('journal', 'verify', '--settings', settings, '--json');
    expect(exit).toBe(0);
    expect(last()).toEqual({
      entries: 4,
      head: expect.stringMatching(/^[0-9a-f]{64}$/),
      messagesSent: 1,
      bytesSent: 1234,
      tornBytes: 0,
    });
    expect((await run('journal', 'verify', '--settings', settings)).out[0]).toContain(
      '1 messages of together 1234 bytes left this site',
    );
  });

  it('fails on a journal that was changed', async () => {
    const other = join(folder, 'other.yaml');
    await mkdir(join(folder, 'other'), { recursive: true });
    await writeFile(join(folder, 'other', 'journal.jsonl'), '{"at":1}\n');
    await writeFile(
      other,
      JSON.stringify({
        site: 'site-a',
        federation: 'testfed',
        state: 'other',
        coordinator: { address: 'hub:1' },
        tls: { ca: 'a', certificate: 'b', privateKey: 'c' },
      }),
    );
    const { exit, err } = await run('journal', 'verify', '--settings', other);
    expect([exit, err[0]]).toEqual([1, expect.stringContaining('JOURNAL_CORRUPT')]);
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
