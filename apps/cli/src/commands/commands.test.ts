import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Interrupts } from '../interrupts.js';
import { runCommand } from '../program.js';
import { answer, fixtureCoordinator, modelOf, TOKEN, type FixtureCoordinator } from '../testing/coordinator.fixture.js';
import { PLAN_YAML } from '../testing/plan.fixture.js';
import { busyRun, metricsOf, MODEL_DIGEST, passOf, PLAN_DIGEST, runOf } from '../testing/run.fixture.js';
import { memoryTerminal, type MemoryTerminal } from '../testing/terminal.fixture.js';

let fixture: FixtureCoordinator;
let folder: string;
beforeEach(async () => {
  fixture = await fixtureCoordinator();
  folder = await mkdtemp(join(tmpdir(), 'consilium-commands-'));
});
afterEach(async () => {
  await fixture.close();
  await rm(folder, { recursive: true });
});

interface Outcome extends MemoryTerminal {
  readonly exit: number;
  readonly json: unknown;
}

/** Runs a command line against the fixture. */
async function consilium(...argv: string[]): Promise<Outcome> {
  const terminal = memoryTerminal({
    env: { CONSILIUM_URL: fixture.url, CONSILIUM_TOKEN: TOKEN, CONSILIUM_CONFIG: folder },
  });
  const exit = await runCommand(argv, terminal, new Interrupts(new ManualClock()));
  const last = terminal.outLines.at(-1) ?? '';
  return { ...terminal, exit, json: /^[[{]/.test(last) ? JSON.parse(last) : undefined };
}

describe('consilium study', () => {
  it('init writes a plan and its schema, and says what its privacy mode means', async () => {
    const file = join(folder, 'mine.yaml');
    const { exit, outLines } = await consilium('study', 'init', 'mine', '--template', 'lung-nodule', '-o', file);
    expect(exit).toBe(0);
    const [study, schema] = [join(folder, 'mine.study.yaml'), join(folder, 'plan.schema.json')];
    expect(outLines[0]).toBe(`Wrote ${file} and ${study}, and ${schema} for completion in an editor.`);
    expect(outLines.join(' ')).toContain('the coordinator sees each site’s update, and updates can reveal images');
    expect(await readFile(file, 'utf8')).toMatch(/^# yaml-language-server: \$schema=\.\/plan\.schema\.json\n/);
  });

  it('init refuses a name that a plan would refuse, and an unknown template', async () => {
    expect(
      await consilium('study', 'init', 'Mine!', '--template', 'lung-nodule', '-o', join(folder, 'x')),
    ).toMatchObject({ exit: 1 });
    expect(await consilium('study', 'init', 'mine', '--template', 'knee', '-o', join(folder, 'x'))).toMatchObject({
      exit: 2,
    });
    expect(await consilium('study', 'init', 'mine')).toMatchObject({ exit: 2 });
  });

  it('validate says what a good plan is, with its digest and its privacy mode', async () => {
    await writeFile(join(folder, 'p.yaml'), PLAN_YAML);
    const { exit, outLines } = await consilium('study', 'validate', join(folder, 'p.yaml'));
    expect(exit).toBe(0);
    expect(outLines[0]).toContain('is a plan of study small for 2 sites and 3 rounds.');
    expect(outLines[1]).toMatch(/^It is a draft: its digest comes with its sites’ keys/);
    expect(outLines[3]).toContain('privacy.mode plain');
  });

  it('validate names every problem and exits with 1', async () => {
    await writeFile(
      join(folder, 'p.yaml'),
      PLAN_YAML.replace('mode: plain', 'mode: robust').replace('seed: 1', 'seed: -1'),
    );
    const { exit, outLines, errLines } = await consilium('study', 'validate', join(folder, 'p.yaml'));
    expect(exit).toBe(1);
    expect(outLines.map((line) => line.split(': ')[0])).toEqual(['seed', 'privacy.mode']);
    expect(errLines).toEqual(['consilium: PLAN_INVALID: The plan does not have the expected form. (problems: 2)']);
  });

  it('validate --json tells the problems with their lines, and then the failure', async () => {
    await writeFile(join(folder, 'p.yaml'), PLAN_YAML.replace('seed: 1', 'seed: -1'));
    const { outLines, json } = await consilium('study', 'validate', join(folder, 'p.yaml'), '--json');
    expect(JSON.parse(outLines[0]!)).toEqual({
      valid: false,
      problems: [expect.objectContaining({ path: 'seed', line: 33 })],
    });
    expect(json).toMatchObject({ error: { code: 'PLAN_INVALID' } });
  });

  it('list shows the studies, whatever their titles try', async () => {
    fixture.answers.set('GET /api/v1/studies', (_, response) =>
      answer(response, { studies: [{ name: 'mine', title: 'A \u001b[2J title', purpose: 'P', createdMs: 0 }] }),
    );
    expect((await consilium('study', 'list')).outLines).toEqual([
      'study  title         registered',
      '─────  ────────────  ────────────────────',
      'mine   A \ufffd[2J title  1970-01-01T00:00:00Z',
    ]);
  });

  it('list says what to do when there is none', async () => {
    expect((await consilium('study', 'list')).outLines[0]).toContain('No study is registered yet');
  });

  it('show tells what the newest plan’s privacy mode means, its plans and its runs', async () => {
    const study = {
      name: 'mine',
      title: 'T',
      purpose: 'To see.',
      createdMs: 0,
      plans: [{ digest: PLAN_DIGEST, createdMs: 0 }],
      runs: [runOf()],
    };
    fixture.answers.set('GET /api/v1/studies/mine', (_, response) => answer(response, study));
    fixture.answers.set(`GET /api/v1/plans/${PLAN_DIGEST}`, (_, response) =>
      answer(response, {
        ...{ digest: PLAN_DIGEST, study: 'mine', createdMs: 0, plan: { privacy: { mode: 'plain' } } },
        ...{ envelope: null, signers: [], refusal: 'PLAN_NOT_SIGNED' },
      }),
    );
    const { outLines } = await consilium('study', 'show', 'mine');
    expect(outLines.slice(0, 6)).toEqual([
      'mine  T',
      'To see.',
      '',
      'privacy.mode plain: images stay at the sites, but the coordinator sees each',
      'site’s update, and updates can reveal images. Agree to it only where the',
      'coordinator may be trusted with them.',
    ]);
    expect(outLines.join('\n')).toContain(PLAN_DIGEST);
    expect(outLines.at(-1)).toMatch(/^run-0a1b2c3d4e {2}lung-nodule {2}training {3}1\/20/);
    expect((await consilium('study', 'show', 'mine', '--json')).json).toMatchObject({
      name: 'mine',
      plan: { privacy: { mode: 'plain' } },
    });
  });
});

describe('consilium run', () => {
  it('start takes the digest of a plan that was proposed before', async () => {
    await consilium('run', 'start', PLAN_DIGEST);
    expect(fixture.calls).toEqual(['POST /api/v1/runs']);
  });

  it('start takes no file: two people sign what is run', async () => {
    await writeFile(join(folder, 'p.yaml'), PLAN_YAML);
    const { exit, errLines } = await consilium('run', 'start', join(folder, 'p.yaml'));
    expect([exit, errLines.join(' ')]).toEqual([2, expect.stringContaining('consilium study plan FILE --key KEY')]);
    expect(fixture.calls).toEqual([]);
  });

  it('watch tells the newest run’s news line by line and exits with 0 when it finished', async () => {
    fixture.runs = [
      runOf({ id: 'run-old0000000', createdMs: 1, state: 'failed' }),
      runOf({ createdMs: 2, history: [passOf(1)] }),
    ];
    const finished = runOf({
      createdMs: 2,
      endedMs: 3_002,
      state: 'finished',
      modelDigest: MODEL_DIGEST,
      history: [passOf(1), passOf(2)],
    });
    const watched = consilium('run', 'watch');
    // The first picture is on its way as soon as the stream is open.
    await expect.poll(() => fixture.openStreams()).toBe(1);
    fixture.push(finished);
    const { exit, outLines } = await watched;
    expect(exit).toBe(0);
    expect(outLines.map((line) => line.slice(10))).toEqual([
      'run-0a1b2c3d4e',
      ...['hospital-a approved the plan', 'hospital-b approved the plan'],
      'round 1 of 20: 2 sites, loss 0.500, AUC before it 0.800, 0.9 s',
      'run-0a1b2c3d4e: trains, round 1 of 20',
      'round 2 of 20: 2 sites, loss 0.500, AUC before it 0.800, 0.9 s',
      `run-0a1b2c3d4e: finished, model ${MODEL_DIGEST}`,
      'run-0a1b2c3d4e: finished after 3.0 s',
      MODEL_DIGEST.slice(4),
    ]);
  });

  it('watch exits with 1 and the run’s own code when it ended without a model', async () => {
    fixture.runs = [runOf({ state: 'failed', code: 'PLAN_REJECTED' })];
    const { exit, errLines, json } = await consilium('run', 'watch', runOf().id, '--json');
    expect(exit).toBe(1);
    expect(json).toMatchObject({
      error: { code: 'RUN_FAILED', facts: { run: runOf().id, state: 'failed', reason: 'PLAN_REJECTED' } },
    });
    expect(errLines.at(-1)).toMatch(/^consilium: RUN_FAILED: /);
  });

  it.each([
    ['pause', 'paused'],
    ['resume', 'training'],
    ['cancel', 'cancelled'],
  ])('%s changes a run', async (verb, state) => {
    fixture.runs = [runOf()];
    expect((await consilium('run', verb, runOf().id)).outLines).toEqual([`${runOf().id}: ${state}, round 1 of 20.`]);
  });

  it('asks nothing about an id that cannot be one', async () => {
    expect(await consilium('run', 'cancel', 'everything')).toMatchObject({ exit: 2 });
    expect(fixture.calls).toEqual([]);
  });

  it('list shows the runs, newest first', async () => {
    fixture.runs = [
      runOf({ id: 'run-old0000000', createdMs: 0, state: 'finished', round: 20 }),
      runOf({ createdMs: 86_400_000, round: 3 }),
    ];
    expect((await consilium('run', 'list')).outLines).toEqual([
      'run             study        state     round  started',
      '──────────────  ───────────  ────────  ─────  ────────────────────',
      'run-0a1b2c3d4e  lung-nodule  training   3/20  1970-01-02T00:00:00Z',
      'run-old0000000  lung-nodule  finished  20/20  1970-01-01T00:00:00Z',
    ]);
  });

  it('list asks the coordinator to filter', async () => {
    await consilium('run', 'list', '--where', 'paused', '--study', 'mine');
    expect(fixture.calls).toEqual(['GET /api/v1/runs?state=paused&study=mine']);
    expect(await consilium('run', 'list', '--where', 'sleeping')).toMatchObject({ exit: 2 });
  });

  it('show tells where a run stands, its sites and its latest rounds', async () => {
    fixture.runs = [busyRun()];
    expect((await consilium('run', 'show')).outLines).toEqual([
      'run-0a1b2c3d4e  training  round 7 of 20',
      `study lung-nodule, plan ${PLAN_DIGEST}`,
      'model –',
      '',
      'site        decision        examples   loss  AUC     sent  received',
      '──────────  ──────────────  ────────  ─────  ───  ───────  ────────',
      'hospital-a  approved             600  0.512    –  1.25 MB   1.30 MB',
      'hospital-b  approved               –  0.400    –   117 kB     900 B',
      'hospital-c  approved, away         –      –    –      0 B       0 B',
      'hospital-d  approved               –      –    –      0 B       0 B',
      '',
      ...[1, 2, 3, 4, 5, 6].map((round) => `round ${round} of 20: 2 sites, loss 0.500, AUC before it 0.800, 0.9 s`),
    ]);
    expect((await consilium('run', 'show', '--json')).json).toEqual(busyRun());
  });

  it('show says NOT_FOUND when there is no run at all', async () => {
    expect((await consilium('run', 'show')).errLines[0]).toMatch(/^consilium: NOT_FOUND: .*\(expected: a run\)$/);
  });
});

describe('consilium model', () => {
  it('model list and show find a model by the beginning of its digest', async () => {
    const model = modelOf(new Uint8Array([1]));
    fixture.models = [model];
    expect((await consilium('model', 'list')).outLines.at(-1)).toContain('run-0a1b2c3d4e');
    expect((await consilium('model', 'show', model.digest.slice(0, 6))).outLines[0]).toBe(`model ${model.digest}`);
  });

  it('model show tells the tensors and what the sites measured', async () => {
    const model = modelOf(new Uint8Array([1]));
    fixture.models = [model];
    fixture.answers.set(`GET /api/v1/models/${model.digest}`, (_, response) =>
      answer(response, {
        ...{
          digest: model.digest,
          planDigest: PLAN_DIGEST,
          run: 'run-0a1b2c3d4e',
          round: 20,
          createdMs: 5,
          rounds: [],
        },
        manifest: { tensors: [{ name: 'logit/kernel', shape: [64, 1] }], size: 64 },
        metrics: [
          { site: 'hospital-a', metrics: metricsOf(0.831) },
          { site: null, metrics: metricsOf(0.7, 500) },
        ],
      }),
    );
    const { outLines } = await consilium('model', 'show', model.digest);
    expect(outLines).toContain('1 tensor, 64 float32 parameters');
    expect(outLines.at(-1)).toMatch(/^mean {13}500  0.700/);
    expect(outLines.at(-2)).toBe('hospital-a       250  0.831    0.781–0.881     0.800  0.150');
  });

  it('model get writes the file and says so', async () => {
    const model = modelOf(new Uint8Array(1_000).fill(3));
    fixture.models = [model];
    const file = join(folder, 'm.safetensors');
    const { exit, outLines } = await consilium('model', 'get', model.digest.slice(0, 4), '-o', file);
    expect([exit, outLines]).toEqual([
      0,
      [`Wrote ${file} (1.00 kB, its SHA-256 is the model’s digest) and ${file}.json.`],
    ]);
    expect(new Uint8Array(await readFile(file))).toEqual(model.bytes);
  });

  it('model get refuses bytes that are not the model', async () => {
    const model = modelOf(new Uint8Array(10));
    fixture.models = [{ ...model, bytes: new Uint8Array(9) }];
    expect(await consilium('model', 'get', model.digest, '-o', join(folder, 'm'), '--json')).toMatchObject({
      exit: 1,
      json: { error: { code: 'MODEL_DIGEST_MISMATCH' } },
    });
  });
});
