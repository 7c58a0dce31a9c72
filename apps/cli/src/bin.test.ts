import { execFile, spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RELEASE } from './release.js';
import { build, PACKAGE } from './testing/built.fixture.js';
import { fixtureCoordinator, TOKEN, type FixtureCoordinator } from './testing/coordinator.fixture.js';
import { PLAN_YAML } from './testing/plan.fixture.js';
import { runOf } from './testing/run.fixture.js';

/** The program as it is installed: the built one, in a process of its own. */
const BIN = join(PACKAGE, 'bin', 'consilium.mjs');

let folder: string;
let fixture: FixtureCoordinator;
beforeAll(async () => {
  await build();
  folder = await mkdtemp(join(tmpdir(), 'consilium-bin-'));
  fixture = await fixtureCoordinator();
}, 240_000);
afterAll(async () => {
  await fixture.close();
  await rm(folder, { recursive: true });
});

interface Ran {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

function run(args: readonly string[], bin = BIN): Promise<Ran> {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], CONSILIUM_URL: fixture.url, CONSILIUM_TOKEN: TOKEN },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  return new Promise((resolve) => child.once('close', (exit) => resolve({ exit, out, err })));
}

describe('the program', () => {
  it('tells its release, which is the package’s', async () => {
    const { version } = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8')) as { version: string };
    expect(RELEASE).toBe(version);
    expect(await run(['--version'])).toMatchObject({ exit: 0, out: `${version}\n` });
  });

  it.each([
    [['--help'], 'Commands:'],
    [['help'], 'Commands:'],
    [['up', '--help'], '--sandbox'],
    [['study', '--help'], 'validate'],
    [['study', 'init', '--help'], 'Example:'],
    [['run', 'start', '--help'], 'Example:'],
    [['run', 'watch', '--help'], 'Example:'],
    [['site', 'list', '--help'], 'Example:'],
    [['model', 'get', '--help'], 'Example:'],
  ])('%j helps, with an example, and exits with 0', async (args, text) => {
    const { exit, out } = await run(args);
    expect(exit).toBe(0);
    expect(out).toContain(text);
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('without a command helps and exits with 2', async () => {
    expect((await run([])).exit).toBe(2);
  });

  it('suggests what was meant and exits with 2', async () => {
    expect(await run(['upp'])).toEqual({
      exit: 2,
      out: '',
      err: "consilium: USAGE: unknown command 'upp' (Did you mean up?)\n",
    });
    expect((await run(['run', 'wacth'])).err).toContain('(Did you mean watch?)');
    expect((await run(['up', '--round', '3'])).err).toContain('(Did you mean --rounds?)');
  });

  it.each([
    [['up', '--sites', '0'], 'whole number from 1 to 32'],
    [['up', '--sites', 'four'], 'whole number from 1 to 32'],
    [['up', '--engine', 'cuda'], 'one of auto, onnx, torch, wasm, cpu'],
    [['up', '--study', 'breast-ultrasound', '--json'], '--data'],
    [['run', 'pause'], 'missing required argument'],
  ])('%j exits with 2 and says what was expected', async (args, text) => {
    const { exit, out, err } = await run(args);
    expect(exit).toBe(2);
    expect(err).toContain(text);
    if (args.includes('--json'))
      expect(JSON.parse(out.trim().split('\n').at(-1)!)).toMatchObject({ error: { code: 'USAGE' } });
  });

  it('exits with 1 and one line on standard error when something fails', async () => {
    const { exit, out, err } = await run(['run', 'show', 'run-0000000000']);
    expect([exit, out]).toEqual([1, '']);
    expect(err).toMatch(/^consilium: NOT_FOUND: There is no such thing here\.\n$/);
  });

  it('answers JSON on one line, and nothing else on standard output', async () => {
    fixture.runs = [runOf()];
    const { exit, out, err } = await run(['run', 'list', '--json']);
    expect([exit, err]).toEqual([0, '']);
    expect(out.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(out)).toHaveLength(1);
  });

  it('writes no colours into a pipe', async () => {
    fixture.runs = [runOf()];
    expect((await run(['run', 'show', runOf().id])).out).not.toContain('\u001b');
  });

  it('exits with 130 when it is interrupted', async () => {
    fixture.runs = [runOf()];
    const child = spawn(process.execPath, [BIN, 'run', 'watch', runOf().id], {
      env: { PATH: process.env['PATH'], CONSILIUM_URL: fixture.url, CONSILIUM_TOKEN: TOKEN },
    });
    await new Promise<void>((resolve) =>
      child.stdout.on('data', (chunk) => String(chunk).includes('trains') && resolve()),
    );
    const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
  });

  it('does not complain when its reader has seen enough', async () => {
    fixture.runs = Array.from({ length: 5_000 }, (_, i) => runOf({ id: `run-${String(i).padStart(10, '0')}` }));
    const piped = `"${process.execPath}" "${BIN}" run list | head -1`;
    const ran = await new Promise<Ran>((resolve) =>
      execFile(
        '/bin/sh',
        ['-c', piped],
        { env: { PATH: process.env['PATH'], CONSILIUM_URL: fixture.url, CONSILIUM_TOKEN: TOKEN } },
        (error, out, err) => resolve({ exit: error ? 1 : 0, out, err }),
      ),
    );
    expect(ran).toMatchObject({ exit: 0, err: '' });
    expect(ran.out).toMatch(/^run /);
  });

  it('validates a file without any coordinator', async () => {
    await writeFile(join(folder, 'p.yaml'), PLAN_YAML);
    expect((await run(['study', 'validate', 'p.yaml'])).exit).toBe(0);
    expect((await run(['study', 'validate', 'absent.yaml'])).exit).toBe(1);
  });

  it('that is not built says in one line what to run', async () => {
    await cp(BIN, join(folder, 'bin', 'consilium.mjs'), { recursive: true });
    const { exit, out, err } = await run(['up'], join(folder, 'bin', 'consilium.mjs'));
    expect([exit, out]).toEqual([1, '']);
    expect(err).toMatch(/^consilium: NOT_BUILT: .*npm start.*\n$/);
  });
});

describe('a command that is slow to be answered', () => {
  it('can be interrupted', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const child = spawn(process.execPath, [BIN, 'site', 'list', '--url', `http://127.0.0.1:${port}`], {
      env: { PATH: process.env['PATH'], CONSILIUM_TOKEN: TOKEN },
    });
    await new Promise((resolve) => silent.once('connection', resolve));
    const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill('SIGTERM');
    expect(await ended).toBe(130);
    silent.closeAllConnections();
    silent.close();
  });
});
