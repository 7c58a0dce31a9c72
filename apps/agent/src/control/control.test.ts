import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_DIGEST, RUN } from '../plan.fixture.js';
import { agentAnswers, askAgent } from './client.js';
import { decisionSchema, plansSchema, statusSchema, type Status } from './protocol.js';
import { ControlServer, type Controls } from './server.js';

const STATUS: Status = {
  site: 'site-a',
  connected: true,
  engine: { name: 'cpu', version: '4.22.0', deterministic: true, selfTestMaxError: 0.001 },
  sandbox: 'on',
  approve: 'manual',
  working: { run: RUN, round: 2, step: 1, steps: 4 },
  runs: [{ run: RUN, planDigest: NO_DIGEST, decision: 'approved', code: null, ended: null }],
  bytesUp: 10,
  bytesDown: 20,
};

let folder: string;
let server: ControlServer | undefined;
let asked: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'control-'));
  asked = [];
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

const controls: Controls = {
  status: () => STATUS,
  plans: () => ({
    plans: [{ run: RUN, planDigest: NO_DIGEST, offeredMs: 1, study: 'lung-nodule', text: 'long\ntext' }],
  }),
  approve: async (reference) => (asked.push(`approve ${reference}`), { approved: true, code: null }),
  reject: async () => {
    throw new Fault('NOT_FOUND', { what: 'a plan that waits for approval' });
  },
};
const listen = async (path = join(folder, 'control.sock')): Promise<string> => {
  server = await ControlServer.listen(path, controls);
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

describe('the operator’s socket', () => {
  it('may be opened by the agent’s own user alone', async () => {
    expect((await stat(await listen())).mode & 0o777).toBe(0o600);
  });

  it('answers each question of the operator', async () => {
    const path = await listen();
    expect(await askAgent(path, { command: 'status' }, statusSchema)).toEqual(STATUS);
    expect(await askAgent(path, { command: 'plans' }, plansSchema)).toEqual(controls.plans());
    expect(await askAgent(path, { command: 'approve', reference: NO_DIGEST }, decisionSchema)).toEqual({
      approved: true,
      code: null,
    });
    expect(asked).toEqual([`approve ${NO_DIGEST}`]);
  });

  it('passes a refusal on as the Fault it was', async () => {
    const path = await listen();
    await expect(askAgent(path, { command: 'reject', reference: RUN }, decisionSchema)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      facts: { what: 'a plan that waits for approval' },
    });
  });

  it('refuses what is not a request, and stays open for the next one', async () => {
    const path = await listen();
    for (const text of [
      'not json\n',
      '{"command":"shutdown"}\n',
      '{"command":"approve","reference":"../x"}\n',
      '{"command":"status","extra":1}\n',
      `${'x'.repeat(5000)}\n`,
    ]) {
      expect(JSON.parse(await raw(path, text))).toMatchObject({
        error: { code: expect.stringMatching(/REQUEST_INVALID|MESSAGE_MALFORMED/) },
      });
    }
    expect(await askAgent(path, { command: 'status' }, statusSchema)).toEqual(STATUS);
    expect(asked).toEqual([]);
  });

  it('works where the state directory’s path is longer than a socket’s name may be', async () => {
    const deep = join(folder, 'd'.repeat(60), 'e'.repeat(60), 'f'.repeat(60));
    await mkdir(deep, { recursive: true });
    const path = await listen(join(deep, 'control.sock'));
    expect(await askAgent(path, { command: 'status' }, statusSchema)).toEqual(STATUS);
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
    await expect(askAgent(path, { command: 'status' }, statusSchema)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
