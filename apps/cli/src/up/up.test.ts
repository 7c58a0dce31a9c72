import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeKeyFile, encodePublicKey, fingerprintWords, newSigningKey, type Policy } from '@consilium/identity';
import { lives } from '@consilium/machine';
import { digestOf, Fault, utf8 } from '@consilium/stdx';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../clock.js';
import { exists } from '../files.js';
import { Interrupts } from '../interrupts.js';
import { memoryTerminal, type MemoryTerminal } from '../testing/terminal.fixture.js';
import type { UpOptions } from './options.js';
import { siteNames } from './planning.js';
import type { ProgramName } from '../programs/locate.js';
import type { UpResult } from './result.js';
import { LIMITS } from './supervisor.js';
import { up } from './up.js';

// Each starts some ten processes; on a machine that is busy with other tests they take their time.
vi.setConfig({ testTimeout: 120_000 });

let state: string;
beforeEach(async () => void (state = await mkdtemp(join(tmpdir(), 'consilium-up-'))));
afterEach(() => rm(state, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

/** The hospitals' keys, with the six words that only they and the coordinator's desk can show. */
const KEYS = Object.fromEntries(
  siteNames(3).map((site) => {
    const key = newSigningKey();
    const signing = encodePublicKey(key.publicKey);
    return [site, { signing, words: fingerprintWords(key.publicKey), file: encodeKeyFile(key) }];
  }),
);

const FAKES = {
  agent: fileURLToPath(new URL('../testing/fake-agent.mjs', import.meta.url)),
  auditor: fileURLToPath(new URL('../testing/fake-auditor.mjs', import.meta.url)),
  coordinator: fileURLToPath(new URL('../testing/fake-coordinator.mjs', import.meta.url)),
};

interface Started {
  readonly terminal: MemoryTerminal;
  readonly interrupts: Interrupts;
  /** The exit code, or the Fault. */
  readonly ended: Promise<number | Fault>;
  readonly lines: () => string[];
}

/** Starts `consilium up` with programs that only pretend. */
function start(options: Partial<UpOptions> = {}, env: Record<string, string> = {}): Started {
  const FAKE_KEYS = JSON.stringify(KEYS);
  const terminal = memoryTerminal({ env: { PATH: process.env['PATH'] ?? '', FAKE_KEYS, ...env } });
  const interrupts = new Interrupts(systemClock);
  const given: UpOptions = {
    sites: 2,
    rounds: 3,
    study: 'lung-nodule',
    engine: 'auto',
    seed: 1,
    state,
    sandbox: 'on',
    once: true,
    json: true,
    ...options,
  };
  const limits = { ...LIMITS, backoffMs: 20, backoffMsMax: 100 };
  const ports = {
    terminal,
    interrupts,
    clock: systemClock,
    release: '0.0.0',
    locate: (program: ProgramName) => FAKES[program],
    limits,
  };
  const ended = up(given, ports).catch((error: unknown) => Fault.from(error));
  return { terminal, interrupts, ended, lines: () => [...terminal.errLines, ...terminal.outLines] };
}

const resultOf = ({ terminal }: Started): UpResult => JSON.parse(terminal.outLines.at(-1)!) as UpResult;
const pidOf = async (name: string): Promise<number> =>
  Number(await readFile(join(state, 'run', `${name}.pid`), 'utf8'));
const said = (started: Started, text: string): Promise<void> =>
  vi.waitFor(() => expect(started.lines().some((line) => line.includes(text))).toBe(true), {
    timeout: 60_000,
    interval: 10,
  });

describe('consilium up', () => {
  it('runs a whole federation and ends with one JSON object of the published form', async () => {
    const started = start();
    expect(await started.ended).toBe(0);
    const result = resultOf(started);
    const schema = JSON.parse(
      await readFile(new URL('../../schemas/up-result.schema.json', import.meta.url), 'utf8'),
    ) as object;
    const accepts = new Ajv2020({ allowUnionTypes: true }).compile(schema);
    expect(accepts(result), JSON.stringify(accepts.errors)).toBe(true);
    expect(result).toMatchObject({
      study: 'lung-nodule',
      seed: 1,
      engine: 'wasm',
      rounds: 3,
      modelDigest: digestOf(utf8('a model')),
    });
    const site = { examples: 100, localAuc: 0.7, federatedAuc: 0.8, pooledAuc: 0.9, bytesUp: 3000, bytesDown: 3000 };
    expect(result.sites).toEqual([
      { name: 'hospital-a', ...site },
      { name: 'hospital-b', ...site },
    ]);
    expect(result.external).toEqual({ name: 'external', localAucMean: 0.7, federatedAuc: 0.85, pooledAuc: 0.9 });
    expect(started.terminal.outLines).toHaveLength(1);
  });

  it('says each step, and that approval is automatic here only', async () => {
    const started = start({ json: false });
    await started.ended;
    const text = started.terminal.outLines.join('\n');
    expect(text).toMatch(/plan [0-9a-f]{12} is signed by the proposer and by the admin/);
    for (const step of [
      'Keys: of the root, the coordinator, a proposer and an admin; all on this machine, as only a demonstration may',
      'Coordinator: serves',
      'Enrolment: 2 hospitals joined, each admitted by its six words',
      'Hospitals: 2 agents',
      'Training: 3 rounds',
      'Comparison',
    ])
      expect(text).toContain(step);
    expect(text).toContain('Approval: automatic in this demonstration; a hospital decides itself');
    expect(text).toContain('On average 0.817 federated, 0.700 alone, 0.900 with all images in one place.');
  });

  it('names a started process first, before it makes keys', async () => {
    const started = start();
    await started.ended;
    expect(started.terminal.errLines[1]).toMatch(/started images of hospital-[ab] \(process \d+\)$/);
  });

  it('leaves no process, no lock, no pid file and no address behind', async () => {
    const started = start();
    await started.ended;
    expect(await readdir(join(state, 'run'))).toEqual([]);
    const pids = started.lines().flatMap((line) => /process (\d+)\)/.exec(line)?.[1] ?? []);
    expect(pids.length).toBeGreaterThan(5);
    for (const pid of pids) expect(await lives(Number(pid))).toBe(false);
  });

  it('keeps secrets to their owner', async () => {
    await start().ended;
    const secrets = ['pki/root.key', 'pki/proposer.key', 'pki/admin.key', 'coordinator/identity/signing.key'];
    for (const file of [...secrets, 'logs/coordinator.log'])
      expect((await stat(join(state, file))).mode & 0o077, file).toBe(0);
  });

  it('a second time does nothing twice: same keys, hospitals, images and comparison, another run', async () => {
    await start().ended;
    const again = start();
    expect(await again.ended).toBe(0);
    const lines = again.lines().join('\n');
    expect(lines).toContain('Keys: those of the last start');
    expect(lines).toContain('Enrolment: 2 hospitals as before');
    expect(lines).not.toMatch(/started (images|enrolment|hospital-a alone|all images pooled)/);
    expect(resultOf(again).sites[0]!.localAuc).toBe(0.7);
  });

  it('enrols only the hospital that is new', async () => {
    await start().ended;
    const more = start({ sites: 3 });
    expect(await more.ended).toBe(0);
    expect(more.lines().join('\n')).toContain(
      'Enrolment: 1 hospital joined, each admitted by its six words; 2 as before',
    );
    expect(resultOf(more).sites.map(({ name }) => name)).toEqual(['hospital-a', 'hospital-b', 'hospital-c']);
  });

  it('with other options makes other images', async () => {
    await start().ended;
    await start({ seed: 2 }).ended;
    expect(await readdir(join(state, 'data'))).toHaveLength(2);
  });

  it('spreads a data file over the hospitals, without an external one', async () => {
    const data = join(state, 'breast.npz');
    await writeFile(data, 'a file');
    const started = start({ study: 'breast-ultrasound', data });
    expect(await started.ended).toBe(0);
    expect(resultOf(started).external).toBeNull();
    expect(resultOf(started).study).toBe('breast-ultrasound');
  });
});

describe('consilium up and its hospitals', () => {
  it('admits each by the six words that it shows, and shows them', async () => {
    const started = start();
    await started.ended;
    for (const site of ['hospital-a', 'hospital-b']) {
      const line = started.lines().find((text) => text.includes(`admitted ${site} with roster`));
      expect(line).toContain(`“${KEYS[site]!.words}”, the same at both ends`);
    }
  });

  it('refuses one that shows other words, signs nothing, and admits it when the words are the same', async () => {
    const started = start({}, { FAKE_WORDS: 'these are the words of another' });
    expect(await started.ended).toMatchObject({ code: 'FINGERPRINT_MISMATCH' });
    expect(await readdir(join(state, 'run'))).toEqual([]);
    const { roster } = JSON.parse(await readFile(join(state, 'coordinator/state/all.json'), 'utf8')) as object & {
      roster?: string;
    };
    expect(roster).toBeUndefined();
    expect(await start().ended).toBe(0);
  });
});

describe('consilium up and the auditor', () => {
  it('ends with the verdict, its grounds, and the command that repeats it', async () => {
    const started = start({ json: false });
    await started.ended;
    expect(started.terminal.outLines.slice(-6)).toEqual([
      'audit        pass',
      '             1 log with 12 entries, 1 cosignature of their last states',
      '             run-0000000000: approved by 1 hospital',
      '             1 of its 1 round computed again from the hospitals’ updates',
      'again, and on another machine from these two alone:',
      `  consilium audit report ${state}/audit/run-0000000000 --policy ${state}/policy/policy.json`,
    ]);
    const policy = JSON.parse(await readFile(join(state, 'policy', 'policy.json'), 'utf8')) as Policy;
    expect(policy.sites.map(({ name, signing }) => [name, signing])).toEqual(
      ['hospital-a', 'hospital-b'].map((site) => [site, KEYS[site]!.signing]),
    );
  });

  it('remembers how far the logs had come, for the next start’s audit', async () => {
    await start().ended;
    await start().ended;
    const policy = JSON.parse(await readFile(join(state, 'policy', 'policy.json'), 'utf8')) as Policy;
    expect(policy.checkpoints).toEqual([{ origin: 'demo/coordinator/2026', size: 12, root: 'a'.repeat(64) }]);
  });

  it('exits with 1 when the verdict is a failure, tells why, and believes nothing of what it saw', async () => {
    const started = start({}, { FAKE_VERDICT: 'fail' });
    expect(await started.ended).toBe(1);
    expect(resultOf(started).audit).toEqual({
      verdict: 'fail',
      findings: [
        { code: 'HISTORY_REWRITTEN', entry: 'demo/coordinator/2026#3', expected: 'one root', found: 'another' },
      ],
      bundle: join(state, 'audit', 'run-0000000000'),
    });
    expect(started.lines()).toContain('audit        FAIL, 1 finding');
    expect(await exists(join(state, 'policy', 'last-seen.json'))).toBe(false);
  });
});

describe('consilium up, when asked to stop', () => {
  it('stops in order, exits with CANCELLED, and goes on later where it was', async () => {
    const started = start({ rounds: 300 }, { FAKE_ROUND_MS: '60' });
    await said(started, 'round 2 of 300');
    started.interrupts.press();
    expect(await started.ended).toMatchObject({ code: 'CANCELLED' });
    expect(started.lines().at(-1)).toBe('Stopping; the same command goes on where this one was.');
    expect(await readdir(join(state, 'run'))).toEqual([]);

    const again = start({ rounds: 300 }, { FAKE_ROUND_MS: '5' });
    expect(await again.ended).toBe(0);
    expect(again.lines().join('\n')).toMatch(/goes on with run-0000000000, which was unfinished in round \d+ of 300/);
    expect(resultOf(again).rounds).toBe(300);
  });

  it('pauses the unfinished run of other options, and says so', async () => {
    const started = start({ rounds: 300 }, { FAKE_ROUND_MS: '60' });
    await said(started, 'round 2 of 300');
    started.interrupts.press();
    await started.ended;
    const other = start({ rounds: 2 });
    expect(await other.ended).toBe(0);
    expect(other.lines().join('\n')).toContain('paused run-0000000000, an unfinished run of another plan');
    expect(resultOf(other).rounds).toBe(2);
  });

  it('keeps serving until then, with everything the other commands need', async () => {
    const started = start({ once: false });
    await said(started, 'The federation keeps serving; Ctrl-C stops it.');
    const api = JSON.parse(await readFile(join(state, 'run', 'api.json'), 'utf8')) as {
      url: string;
      tokenFile: string;
    };
    expect((await stat(join(state, 'run', 'api.json'))).mode & 0o777).toBe(0o600);
    expect(await readFile(api.tokenFile, 'utf8')).toBe('token\n');
    const agent = await pidOf('hospital-a');
    started.interrupts.press();
    expect(await started.ended).toBe(0);
    expect(await lives(agent)).toBe(false);
    expect(await exists(join(state, 'run', 'api.json'))).toBe(false);
  });

  it('ends everything at once when it must not wait', async () => {
    const started = start({ rounds: 20 }, { FAKE_ROUND_MS: '60' });
    await said(started, 'round 1 of 20');
    const pids = await Promise.all(['coordinator', 'hospital-a', 'hospital-b'].map(pidOf));
    started.interrupts.press();
    await new Promise((resolve) => setTimeout(resolve, 310));
    started.interrupts.press();
    await vi.waitFor(async () => expect(await Promise.all(pids.map(lives))).toEqual([false, false, false]), 2_000);
    await started.ended;
  });
});

describe('consilium up, when things go wrong', () => {
  it('refuses a state directory that another one uses, and does nothing to it', async () => {
    const first = start({ once: false });
    await said(first, 'keeps serving');
    expect(await start().ended).toMatchObject({ code: 'STATE_LOCKED' });
    expect(await lives(await pidOf('coordinator'))).toBe(true);
    first.interrupts.press();
    await first.ended;
  });

  it('starts again what is killed, and completes the run', async () => {
    const started = start({ rounds: 10 }, { FAKE_ROUND_MS: '60' });
    await said(started, 'round 2 of 10');
    process.kill(await pidOf('hospital-b'), 'SIGKILL');
    process.kill(await pidOf('coordinator'), 'SIGKILL');
    expect(await started.ended).toBe(0);
    expect(started.lines().filter((line) => line.includes('started again:'))).toHaveLength(2);
    expect(resultOf(started).rounds).toBe(10);
  });

  it('ends what a killed one left running before it starts', async () => {
    await mkdir(join(state, 'run'));
    // As after kill -9: its child lives on, and its own number is free again.
    const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', join(state, 'sites')], {
      detached: true,
      stdio: 'ignore',
    });
    await writeFile(join(state, 'run', 'hospital-a.pid'), `${orphan.pid}\n`);
    await writeFile(join(state, 'run', 'lock'), JSON.stringify({ pid: orphan.pid, started: 'before' }));
    const started = start();
    expect(await started.ended).toBe(0);
    expect(started.lines()[0]).toBe('ended what an earlier start had left running: hospital-a');
    expect(await lives(orphan.pid!)).toBe(false);
  });

  it.each([
    ['serve:SANDBOX_UNAVAILABLE', 'SANDBOX_UNAVAILABLE'],
    ['coordinator:PORT_IN_USE', 'PORT_IN_USE'],
    ['data:DISK_FULL', 'DISK_FULL'],
    ['join:TLS_INTERCEPTED', 'TLS_INTERCEPTED'],
    ['train:TRAINING_NOT_FINITE', 'TRAINING_NOT_FINITE'],
    ['fetch:DISK_FULL', 'DISK_FULL'],
    ['report:STATE_UNREADABLE', 'STATE_UNREADABLE'],
  ])('ends with the code of the program that cannot go on (%s)', async (fail, code) => {
    expect(await start({}, { FAKE_FAIL: fail }).ended).toMatchObject({ code });
    expect(await readdir(join(state, 'run'))).toEqual([]);
  });

  it('gives up a program that dies again and again', async () => {
    const ended = await start({ rounds: 500 }, { FAKE_DEATHS: '1', FAKE_ROUND_MS: '100' }).ended;
    expect(ended).toMatchObject({ code: 'PROGRAM_DIED' });
  });

  it('ends with RUN_FAILED and the run’s code when there is no model', async () => {
    expect(await start({}, { FAKE_END: 'PLAN_REJECTED' }).ended).toMatchObject({
      code: 'RUN_FAILED',
      facts: { reason: 'PLAN_REJECTED' },
    });
  });

  it('touches nothing when the options or the data file are wrong', async () => {
    expect(await start({ study: 'breast-ultrasound' }).ended).toMatchObject({ code: 'USAGE' });
    expect(await start({ study: 'breast-ultrasound', data: join(state, 'absent.npz') }).ended).toMatchObject({
      code: 'DATA_UNREADABLE',
    });
    expect(await readdir(state)).toEqual([]);
  });

  it('gives the programs none of its own settings', async () => {
    const started = start({}, { CONSILIUM_STATE: join(state, 'elsewhere'), CONSILIUM_TOKEN: 'x' });
    expect(await started.ended).toBe(0);
    expect(await exists(join(state, 'elsewhere'))).toBe(false);
  });
});
