import { execFile, fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writePhantom } from '@consilium/phantom';
import type { SignedPlan } from '@consilium/round';
import { add, decodeSafetensors, l2Norm } from '@consilium/weights';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { modelDigestOf } from './baseline.js';
import { BUILT_MAIN } from './build.fixture.js';
import { certificatesOf, writeSite, type Certificates } from './federation.fixture.js';
import { offerPlan, TestHub } from './hub.fixture.js';
import { readIdentity } from './identity.js';
import { readLog } from './ledger/open.js';
import { modelOf, planOf, SITE } from './plan.fixture.js';
import { readSettings } from './settings.js';

// Whole processes beside whatever else this machine runs: the bound is for what hangs, not for what is slow.
vi.setConfig({ testTimeout: 180_000 });

/** The built program as a hospital runs it, with real images, a real engine and a real sandbox. */
const plan: SignedPlan = planOf({ training: { ...planOf().training, localSteps: 20 } });
/** Long enough to be killed in the middle. */
const longPlan: SignedPlan = planOf({ training: { ...planOf().training, localSteps: 4_000, batchSize: 64 } });

let shared: string;
let certificates: Certificates;
beforeAll(async () => {
  shared = await mkdtemp(join(tmpdir(), 'serve-'));
  certificates = await certificatesOf();
  await writePhantom({ out: join(shared, 'data'), seed: 1, hospital: 'a', siteName: SITE });
}, 120_000);
afterAll(() => rm(shared, { recursive: true, force: true }));

let folder: string;
let hub: TestHub;
let port: number;
let running: Program[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'serve-site-'));
  hub = new TestHub();
  port = await hub.listen(certificates.coordinator);
  running = [];
});
afterEach(async () => {
  for (const program of running) program.process.kill('SIGKILL');
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

interface Program {
  readonly process: ChildProcess;
  readonly ready: Promise<void>;
  readonly exit: Promise<number | null>;
  output(): string;
}

async function serve(settings: object = {}): Promise<Program> {
  const path = await writeSite(folder, certificates, {
    coordinator: { address: `127.0.0.1:${port}` },
    datasets: { 'lung-nodule': join(shared, 'data') },
    approve: 'auto',
    ...settings,
  });
  const child = fork(BUILT_MAIN, ['serve', '--settings', path], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
  });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const program: Program = {
    process: child,
    ready: new Promise((resolve) =>
      child.on('message', (message) => (message as { ready?: boolean }).ready && resolve()),
    ),
    exit: new Promise((resolve) => child.once('close', resolve)),
    output: () => text,
  };
  running.push(program);
  return program;
}
async function entries() {
  const settings = await readSettings(join(folder, 'agent.yaml'), {});
  return (await readLog(settings, await readIdentity(settings.identity))).past;
}
const trainerOf = async (agent: ChildProcess): Promise<number> => {
  const children = await readFile(`/proc/${agent.pid}/task/${agent.pid}/children`, 'utf8');
  return Number(children.trim().split(' ')[0]);
};

describe('the agent as a process', () => {
  it('trains on real images without a network and sends an update that is real', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan)];
    const agent = await serve();
    await agent.ready;
    expect((await hub.hearing('planDecision')).approved).toBe(true);
    hub.say(...hub.round(plan, model));
    const { header, bytes } = await hub.until(() => hub.updates[0], 'an update');
    expect(l2Norm(decodeSafetensors(bytes))).toBeGreaterThan(1e-3);
    expect(header.examples).toBeGreaterThan(100);
    expect(header.metrics.find(({ name }) => name === 'METRIC_NAME_AUC')?.value).toBeGreaterThan(0);
    const started = (await entries()).find(({ type }) => type === 'software.started');
    expect(started).toMatchObject({ sandbox: 'on', engine: { name: 'onnx', deterministic: true } });

    // A federation of one is what the baseline computes, bit for bit.
    const federated = modelDigestOf(add(modelOf(plan), decodeSafetensors(bytes)));
    expect(await baselineDigest(planOf({ ...plan, rounds: { ...plan.rounds, count: 1 } }))).toBe(federated);

    // The same round again: the same bits, and no second reading of the images.
    hub.say(...hub.round(plan, model, { attempt: 2 }));
    await hub.until(() => hub.updates[1], 'the repeated round');
    expect(hub.updates[1]?.bytes.equals(bytes)).toBe(true);
    hub.say(...hub.round(plan, model, { round: 2 }));
    await hub.until(() => hub.updates[2], 'another round');
    expect(hub.updates[2]?.bytes.equals(bytes)).toBe(false);
  });

  it('begins a training once more whose process was killed, and sends the bits it would have sent', async () => {
    const model = hub.publish(modelOf(plan));
    hub.owed = [offerPlan(plan), offerPlan(longPlan, 'run-0000000009')];
    const agent = await serve();
    await hub.hearing('planDecision', 2);
    hub.say(...hub.round(longPlan, model, { run: 'run-0000000009', evaluate: false }));
    await hub.hearing('progress');
    const first = await trainerOf(agent.process);
    process.kill(first, 'SIGKILL');
    await expect.poll(() => trainerOf(agent.process), { timeout: 60_000 }).toBeGreaterThan(0);
    const progress = hub.heard.length;
    await hub.until(() => hub.heard.length > progress, 'progress of the second try');
    expect(await trainerOf(agent.process)).not.toBe(first);

    // A second death in the same round is told, and the agent lives on.
    process.kill(await trainerOf(agent.process), 'SIGKILL');
    expect((await hub.hearing('roundRefusal')).code).toBe('TRAINING_DIED');
    hub.say(...hub.round(plan, model, { evaluate: false }));
    await hub.until(() => hub.updates[0], 'an update of the next round');
  });

  it('goes on after kill -9 of itself with what its log holds', async () => {
    const model = hub.publish(modelOf(longPlan));
    hub.owed = [offerPlan(longPlan)];
    const first = await serve();
    await hub.hearing('planDecision');
    hub.say(...hub.round(longPlan, model, { evaluate: false }));
    await hub.hearing('progress');
    const trainer = await trainerOf(first.process);
    first.process.kill('SIGKILL');
    await first.exit;
    await expect.poll(() => readdir(`/proc/${trainer}`).catch(() => 'gone'), { timeout: 60_000 }).toBe('gone');

    hub.owed = hub.round(longPlan, model, { evaluate: false });
    hub.heard.length = 0;
    await serve();
    await hub.hearing('progress');
    const types = (await entries()).map(({ type }) => type);
    expect(types.filter((type) => type === 'plan.approved')).toHaveLength(1);
    expect(types.filter((type) => type === 'software.started')).toHaveLength(2);
  });

  it('ends within three seconds in the middle of a training, with nothing left running', async () => {
    const model = hub.publish(modelOf(longPlan));
    hub.owed = [offerPlan(longPlan)];
    const agent = await serve();
    await hub.hearing('planDecision');
    hub.say(...hub.round(longPlan, model, { evaluate: false }));
    await hub.hearing('progress');
    const trainer = await trainerOf(agent.process);
    const askedMs = performance.now();
    agent.process.kill('SIGTERM');
    expect(await agent.exit).toBe(0);
    expect(performance.now() - askedMs).toBeLessThan(3_500);
    await expect.poll(() => readdir(`/proc/${trainer}`).catch(() => 'gone'), { timeout: 60_000 }).toBe('gone');
    expect(await readdir(join(folder, 'state'))).not.toContain('control.sock');
  });

  it('ends as quickly when it is told to while it is still starting', async () => {
    const agent = await serve();
    await expect.poll(() => agent.output(), { timeout: 60_000 }).toContain('agent starting');
    const askedMs = performance.now();
    agent.process.kill('SIGTERM');
    expect(await agent.exit).toBe(0);
    expect(performance.now() - askedMs).toBeLessThan(3_500);
    await expect.poll(() => readdir(join(folder, 'state'))).not.toContain('control.sock');
  });

  it('refuses a second agent on the same state with one line and exit code 1', async () => {
    const first = await serve();
    await first.ready;
    const second = await serve();
    expect(await second.exit).toBe(1);
    expect(second.output()).toMatch(/consilium: STATE_LOCKED: /);
    expect(first.process.exitCode).toBeNull();
  });

  it('never writes or says what a file of a patient holds, though it fails on it', async () => {
    const data = join(folder, 'patients');
    await writePhantom({ out: data, seed: 1, hospital: 'b', siteName: SITE });
    const [image] = (await readdir(join(data, 'images'))).sort();
    const rows = (await readFile(join(data, 'labels.csv'), 'utf8')).split('\n');
    const header = rows[0]!;
    const planted = {
      'an unknown label': [header, `images/${image},CANARY-PATIENT,CANARY-LABEL,train`],
      'a file that is no image': [header, 'images/CANARY-FILE.dcm,CANARY-PATIENT,nodule,train'],
      'a file that is missing': [header, 'images/CANARY-MISSING.dcm,CANARY-PATIENT,nodule,train'],
      'a damaged character set': [header, 'images/CANARY-CHARSET.dcm,CANARY-PATIENT,nodule,train'],
    };
    await writeFile(join(data, 'images', 'CANARY-FILE.dcm'), 'CANARY^PATIENT^7F3A is not an image');
    await writeFile(
      join(data, 'images', 'CANARY-CHARSET.dcm'),
      damagedCharacterSet(await readFile(join(data, 'images', image!))),
    );
    const agent = await serve({ datasets: { 'lung-nodule': data }, log: { level: 'debug' } });
    await hub.until(() => hub.sessions > 0, 'a session');
    let run = 0;
    for (const lines of Object.values(planted)) {
      await writeFile(join(data, 'labels.csv'), `${lines.join('\n')}\n`);
      hub.say(offerPlan(plan, `run-000000010${++run}`));
      const decision = await hub.hearing('planDecision', run);
      expect(decision).toMatchObject({ approved: false, code: expect.stringMatching(/^DATA_/) });
    }
    const said = JSON.stringify(hub.heard) + JSON.stringify(await entries()) + agent.output();
    expect(said).not.toMatch(/canary/i);
    expect(said).not.toContain(data); // nor where the patients' files lie
    // The canaries were there to be found.
    expect(await readFile(join(data, 'images', 'CANARY-CHARSET.dcm'), 'latin1')).toContain('CANARY^PATIENT');
    expect(JSON.stringify(planted)).toMatch(/canary/i);
  });
});

/** What `agent train` makes of one round on this site's images. */
async function baselineDigest(oneRound: SignedPlan): Promise<string> {
  const path = join(folder, 'plan.json');
  await writeFile(path, JSON.stringify(oneRound));
  const args = [BUILT_MAIN, 'train', '--plan', path, '--data', join(shared, 'data'), '--name', SITE, '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return (JSON.parse(stdout.trim().split('\n').at(-1)!) as { modelDigest: string }).modelDigest;
}

/** The length of SpecificCharacterSet made to run over the patient's name behind it: parsers quote what they find there. */
function damagedCharacterSet(image: Buffer): Buffer {
  const name = Buffer.from('\x10\x00\x10\x00PN\x14\x00CANARY^PATIENT^7F3A ', 'latin1');
  const charset = Buffer.from('\x08\x00\x05\x00CS\x3c\x00ISO_IR 100', 'latin1');
  const dataset = image.indexOf(Buffer.from('\x08\x00', 'latin1'), 132);
  return Buffer.concat([image.subarray(0, dataset), charset, name, image.subarray(dataset)]);
}
