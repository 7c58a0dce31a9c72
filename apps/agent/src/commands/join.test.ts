import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { encodePublicKey, fingerprintWords, keyId, policySchema } from '@consilium/identity';
import { ManualClock } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FEDERATION, openDesk, SITE } from '../enrolment/hub.fixture.js';
import { readIdentity } from '../identity.js';
import { keyOf } from '../keys.fixture.js';
import { memoryTerminal } from '../terminal.fixture.js';
import { identity } from './identity.js';
import { join, type JoinWorld } from './join.js';

let folder: string;
let settings: string;
let desk: Awaited<ReturnType<typeof openDesk>>;
let opened: object[];
const clock = new ManualClock(Date.now());
const APPROVER = { role: 'operator', signing: encodePublicKey(keyOf('operator').publicKey) };
beforeEach(async () => {
  folder = await mkdtemp(path(tmpdir(), 'join-'));
  settings = path(folder, 'agent.yaml');
  await write({});
  desk = await openDesk(clock);
  opened = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = (changes: object): Promise<void> => {
  const own = { site: SITE, federation: FEDERATION, jurisdiction: 'DE', state: 'state', approvers: [APPROVER] };
  return writeFile(settings, JSON.stringify({ ...own, coordinator: { address: 'hub:7443' }, ...changes }));
};
/** The administrator admits when the words are told. */
const world = (): JoinWorld => ({
  clock: {
    now: clock.now,
    monotonic: clock.monotonic,
    after: (ms, then) => (setImmediate(() => (clock.advance(ms), desk.admit(), then())), () => {}),
  },
  openChannel: (options) => {
    opened.push(options);
    return { ...desk.channel, close: () => {} };
  },
});
const joining = async (options: object = {}, token = desk.token.text) => {
  const memory = memoryTerminal();
  await join(token, { settings, ...options }, memory.terminal, world());
  return memory;
};

describe('agent join', () => {
  it('shows the words that an administrator compares, and ends with an identity', async () => {
    const { out } = await joining();
    const { signing } = await readIdentity(path(folder, 'state', 'identity'));
    expect(out.join('\n')).toContain(`    ${fingerprintWords(signing.publicKey)}`);
    expect(out.join('\n')).toContain(`consilium site admit ${SITE}`);
    expect(out.at(-2)).toContain('Admitted. Certificate until');
  });

  it('meets the coordinator of the settings, pinned to the root of the token', async () => {
    await joining();
    expect(opened).toEqual([{ address: 'hub:7443', rootDigest: desk.token.rootDigest }]);
  });

  it('tells programs the words while it waits, and the end', async () => {
    const { out } = await joining({ json: true });
    const [pending, admitted] = out.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(pending).toMatchObject({ state: 'pending', site: SITE });
    expect(admitted).toMatchObject({ state: 'admitted', words: pending!['words'] });
  });

  it.each([
    ['another site', { site: 'aarhus' }],
    ['another federation', { federation: 'breast' }],
  ])('makes no keys for %s than the settings name', async (_what, changes) => {
    await write(changes);
    await expect(joining()).rejects.toMatchObject({ code: 'JOIN_TOKEN_INVALID' });
    expect(await readdir(folder)).toEqual(['agent.yaml']);
    expect(opened).toEqual([]);
  });

  it('leaves an identity alone that is there', async () => {
    await joining();
    await expect(joining()).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  it('refuses a token that was cut off', async () => {
    await expect(joining({}, desk.token.text.slice(0, -5))).rejects.toMatchObject({ code: 'JOIN_TOKEN_INVALID' });
  });
});

describe('agent identity', () => {
  const told = async (json: boolean) => {
    const memory = memoryTerminal();
    await identity({ settings, json }, memory.terminal);
    return memory;
  };

  it('gives an auditor the site’s own part of a policy, with its approvers', async () => {
    await joining();
    const { last } = await told(true);
    const { signing, rootPem, rootDigest } = await readIdentity(path(folder, 'state', 'identity'));
    const { policy, federation, ...facts } = last() as { policy: object; federation: string };
    expect(policy).toEqual({ name: SITE, signing: encodePublicKey(signing.publicKey), approvers: [APPROVER] });
    expect(facts).toMatchObject({
      words: fingerprintWords(signing.publicKey),
      keyid: keyId(signing.publicKey),
      root: rootDigest,
    });
    const whole = {
      schema: 'consilium.policy/1',
      federation,
      root: rootPem,
      coordinator: { signing: APPROVER.signing },
      sites: [policy],
      checkpoints: [],
    };
    expect(policySchema.safeParse(whole).success).toBe(true);
  });

  it('tells people the same in lines, and where there is none yet, how to get one', async () => {
    await expect(told(false)).rejects.toMatchObject({ code: 'IDENTITY_MISSING' });
    await joining();
    const { out } = await told(false);
    expect(out[0]).toBe(`site         ${SITE} of ${FEDERATION}`);
    expect(out.some((line) => line.startsWith('approver     '))).toBe(true);
    expect(JSON.parse(out.at(-1)!)).toMatchObject({ name: SITE });
  });
});
