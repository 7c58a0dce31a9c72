import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_DIGEST, RUN } from '../plan.fixture.js';
import { agentAnswers, askAgent } from './client.js';
import { requestSchema } from './protocol.js';
import { REPLIES, type PlanPage, type Replies, type RunStatus, type Status } from './replies.js';
import { ControlServer, type Controls } from './server.js';

const RUN_STATUS: RunStatus = {
  run: RUN,
  planDigest: NO_DIGEST,
  decision: 'approved',
  code: null,
  suspended: ['operator'],
  ended: null,
};
const STATUS: Status = {
  site: 'site-a',
  connected: true,
  engine: { name: 'cpu', version: '4.22.0', deterministic: true, selfTestMaxError: 0.001 },
  sandbox: 'on',
  approve: 'manual',
  working: { run: RUN, round: 2, step: 1, steps: 4 },
  runs: [RUN_STATUS],
  checkpoint: null,
  witness: { size: 7, refused: null },
  certificateEndsMs: 1,
  bytesUp: 10,
  bytesDown: 20,
};
const PLANS: Replies['plans'] = { plans: [{ ...RUN_STATUS, study: 'lung-nodule', title: 'Nodules' }] };
const DATASET = {
  format: 'dicom',
  digest: NO_DIGEST,
  train: { examples: 1, patients: 1, positives: 0 },
  test: { examples: 1, patients: 1, positives: 1 },
} as const;
const PAGE: PlanPage = {
  ...RUN_STATUS,
  plan: '{}',
  signers: [],
  dataset: DATASET,
  problem: { code: 'DATA_EMPTY', facts: { split: 'test' } },
  draft: null,
  signed: null,
  missing: [],
  approvedBefore: null,
};

let folder: string;
let server: ControlServer | undefined;
let asked: object[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'control-'));
  asked = [];
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

const decided = { planDigest: NO_DIGEST, runs: [RUN_STATUS] };
const note =
  <T>(answer: T) =>
  (order: object): T => (asked.push(order), answer);
const refuse = async (): Promise<never> => {
  throw new Fault('NOT_FOUND', { what: 'a plan that waits for approval' });
};
const controls: Controls = {
  status: () => STATUS,
  plans: () => PLANS,
  plan: (order) => note(PAGE)(order),
  terms: (order) => note({ plan: '{}' })(order),
  sign: (order) => note({ approved: false, missing: ['operator' as const] })(order),
  reject: refuse,
  withdraw: (order) => note(decided)(order),
  suspend: (order) => note(decided)(order),
  resume: (order) => note(decided)(order),
  standing: () => ({ standing: [] }),
  'standing-draft': (order) => note({ draft: '{}', signed: null, missing: [], dataset: DATASET })(order),
  'standing-sign': (order) => note({ document: null, missing: [] })(order),
  'standing-withdraw': (order) => note({ document: NO_DIGEST })(order),
};
const failures: unknown[] = [];
const listen = async (path = join(folder, 'control.sock')): Promise<string> => {
  server = await ControlServer.listen(path, controls, (error) => failures.push(error));
  return path;
};
const raw = (path: string, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(path, () => socket.write(text));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });

describe('the control socket', () => {
  it('may be opened by the agent’s own user alone', async () => {
    expect((await stat(await listen())).mode & 0o777).toBe(0o600);
  });

  it('answers each command with what belongs to it', async () => {
    const path = await listen();
    expect(await askAgent(path, { command: 'status' })).toEqual(STATUS);
    expect(await askAgent(path, { command: 'plans' })).toEqual(PLANS);
    expect(await askAgent(path, { command: 'plan', reference: NO_DIGEST, read: true })).toEqual(PAGE);
    expect(await askAgent(path, { command: 'suspend', reference: RUN, by: 'operator' })).toEqual(decided);
    expect(asked).toEqual([
      { command: 'plan', reference: NO_DIGEST, read: true },
      { command: 'suspend', reference: RUN, by: 'operator' },
    ]);
  });

  it('has an answer for every command, and a form for every answer', () => {
    const commands = requestSchema.options.map(({ shape }) => shape.command.value).sort();
    expect(Object.keys(controls).sort()).toEqual(commands);
    expect(Object.keys(REPLIES).sort()).toEqual(commands);
  });

  it('brings documents whole, byte for byte', async () => {
    const path = await listen();
    const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 256));
    await askAgent(path, { command: 'sign', run: RUN, document: bytes.toString('base64') });
    expect(asked).toEqual([{ command: 'sign', run: RUN, document: new Uint8Array(bytes) }]);
  });

  it('hands the Fault on, and tells the agent of it', async () => {
    failures.length = 0;
    const path = await listen();
    await expect(askAgent(path, { command: 'reject', reference: RUN, by: 'operator' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      facts: { what: 'a plan that waits for approval' },
    });
    expect(failures).toMatchObject([{ code: 'NOT_FOUND' }]);
  });

  it('refuses what is not a request, and stays open for the next one', async () => {
    const path = await listen();
    for (const text of [
      'not json\n',
      '{"command":"shutdown"}\n',
      '{"command":"plan","reference":"../x","read":true}\n',
      '{"command":"suspend","reference":"run-0000000001","by":"director"}\n',
      '{"command":"suspend","reference":"run-0000000001"}\n',
      '{"command":"sign","run":"run-0000000001","document":"not base64"}\n',
      '{"command":"__proto__"}\n',
      '{"command":"status","extra":1}\n',
      `${'x'.repeat(1_100_000)}\n`,
    ]) {
      expect(JSON.parse(await raw(path, text))).toMatchObject({
        error: { code: expect.stringMatching(/REQUEST_INVALID|MESSAGE_MALFORMED/) },
      });
    }
    expect(await askAgent(path, { command: 'status' })).toEqual(STATUS);
    expect(asked).toEqual([]);
  });

  it('works where the state directory’s path is longer than a socket’s name may be', async () => {
    const deep = join(folder, 'd'.repeat(60), 'e'.repeat(60), 'f'.repeat(60));
    await mkdir(deep, { recursive: true });
    const path = await listen(join(deep, 'control.sock'));
    expect(await askAgent(path, { command: 'status' })).toEqual(STATUS);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('replaces what an agent that was killed left behind', async () => {
    const path = join(folder, 'control.sock');
    await writeFile(path, '');
    await listen(path);
    expect(await agentAnswers(path)).toBe(true);
  });

  it('tells that no agent runs', async () => {
    const path = join(folder, 'control.sock');
    expect(await agentAnswers(path)).toBe(false);
    await expect(askAgent(path, { command: 'status' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
