import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePublicKey, fingerprintWords, keyId } from '@consilium/identity';
import { lockState } from '@consilium/machine';
import { Fault, ManualClock } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeadlyDisk, Killed } from '../enrolment/kill.fixture.js';
import { IdentityFolder } from '../enrolment/folder.js';
import { FEDERATION, openDesk, SITE } from '../enrolment/hub.fixture.js';
import { joinFederation } from '../enrolment/join.js';
import { readIdentity, type Identity } from '../identity.js';
import { openLog, readLog } from '../ledger/open.js';
import { parseSettings } from '../settings.js';
import { memoryTerminal } from '../terminal.fixture.js';
import { rekey, type RekeyWorld } from './rekey.js';

const NOW = Date.UTC(2026, 10, 25);
type Desk = Awaited<ReturnType<typeof openDesk>>;

let folder: string;
let desk: Desk;
let manual: ManualClock;
let before: Identity;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekey-'));
  manual = new ManualClock(NOW);
  desk = await openDesk(manual);
  desk.admit();
  const ports = { folder: new IdentityFolder(identity()), channel: desk.channel, clock: manual };
  await joinFederation(desk.token, { ...ports, signal: new AbortController().signal, onPending: () => {} });
  before = await readIdentity(identity());
  await writeFile(settingsFile(), JSON.stringify(SETTINGS));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const SETTINGS = {
  site: SITE,
  federation: FEDERATION,
  jurisdiction: 'DE',
  state: 'state',
  identity: 'identity',
  coordinator: { address: 'hub:1' },
};
const identity = (): string => join(folder, 'identity');
const settingsFile = (): string => join(folder, 'agent.yaml');
const settings = () => parseSettings(SETTINGS, {}, folder);
const entries = async () => (await readLog(settings(), await readIdentity(identity()))).past;

/** Time passes by itself; the administrator admits when the site asks for the second time. */
const world = (over: Partial<RekeyWorld> = {}): RekeyWorld => ({
  clock: {
    now: manual.now,
    monotonic: manual.monotonic,
    after: (ms, then) => (setImmediate(() => (manual.advance(ms), then())), () => {}),
  },
  openChannel: () => ({
    ...desk.channel,
    collect: async (envelope) => {
      const reply = await desk.channel.collect(envelope);
      desk.admitRekeying();
      return reply;
    },
    close: () => {},
  }),
  disk: new DeadlyDisk(),
  ...over,
});
const run = async (over: Partial<RekeyWorld> = {}, terminal = memoryTerminal()) => {
  await rekey({ settings: settingsFile(), json: true }, terminal.terminal, world(over));
  return terminal;
};

/** Certificate and key fit, and the roster names the signing key: the site can speak as one. */
async function requireWhole(): Promise<Identity> {
  const now = await readIdentity(identity());
  expect(new X509Certificate(now.certificatePem).checkPrivateKey(createPrivateKey(now.privateKeyPem))).toBe(true);
  expect(Buffer.from(now.roster).toString()).toContain(rosterPayload(now));
  return now;
}
/** The roster's payload is base64 within the document; the key stands in it. */
const rosterPayload = ({ roster, signing }: Identity): string => {
  const { payload } = JSON.parse(Buffer.from(roster).toString()) as { payload: string };
  return Buffer.from(payload, 'base64').toString().includes(encodePublicKey(signing.publicKey))
    ? payload
    : 'not listed';
};

describe('agent rekey', () => {
  it('gives the site another key once an administrator has compared its words, and the log says where it begins', async () => {
    const { out, last } = await run();
    const after = await requireWhole();
    const words = fingerprintWords(after.signing.publicKey);
    expect(JSON.parse(out[0]!)).toEqual({ state: 'pending', site: SITE, words });
    expect(last()).toEqual({ state: 'admitted', words });
    expect(words).not.toBe(fingerprintWords(before.signing.publicKey));
    expect(after.formerKeys.map(encodePublicKey)).toEqual([encodePublicKey(before.signing.publicKey)]);
    expect((await entries()).map(({ type }) => type)).toEqual([
      'shard.opened',
      'identity.enrolled',
      'egress.sent',
      'identity.rekeyed',
    ]);
    expect((await entries()).at(-1)).toMatchObject({ signing: keyId(after.signing.publicKey) });
    expect((await readdir(identity())).sort()).toEqual([
      'certificate.pem',
      'former-keys.json',
      'private.key',
      'root.pem',
      'roster.json',
      'signing.key',
    ]);
  });

  it('keeps a log that the old key has signed, and goes on with it', async () => {
    const old = await openLog(settings(), before, manual);
    await old.log.record({ type: 'alert', kind: 'clock' });
    const note = await old.log.checkpoint();
    await old.log.close();
    await run();
    const after = await readIdentity(identity());
    // The control: without the former key nobody could read it.
    await expect(readLog(settings(), { ...after, formerKeys: [] })).rejects.toBeInstanceOf(Fault);
    const { log } = await openLog(settings(), after, manual);
    expect(log.shard.note).toBe(note);
    expect(await log.checkpoint()).not.toBe(note);
    await log.close();
    await expect(readLog(settings(), before)).rejects.toBeInstanceOf(Fault); // nor does the old key count any more
  });

  it('is done again as often as one likes, and knows all keys of before', async () => {
    await run();
    const first = await readIdentity(identity());
    await run();
    const { formerKeys, signing } = await requireWhole();
    expect(formerKeys.map(encodePublicKey)).toEqual(
      [before, first].map((one) => encodePublicKey(one.signing.publicKey)),
    );
    expect((await entries()).filter(({ type }) => type === 'identity.rekeyed')).toHaveLength(2);
    expect((await entries()).at(-1)).toMatchObject({ signing: keyId(signing.publicKey) });
  });

  it('killed anywhere leaves one whole identity, and the same command ends what it began', async () => {
    const counting = new DeadlyDisk();
    await run({ disk: counting });
    expect(counting.steps).toBeGreaterThan(7);
    for (let n = 1; n <= counting.steps; n++) {
      for (const when of ['before', 'after'] as const) {
        const { signing } = await readIdentity(identity());
        await expect(run({ disk: new DeadlyDisk(n, when) })).rejects.toBeInstanceOf(Killed);
        const between = await readIdentity(identity());
        expect(
          new X509Certificate(between.certificatePem).checkPrivateKey(createPrivateKey(between.privateKeyPem)),
        ).toBe(true);
        // Either key, and never one that forgot the other.
        expect([between.signing.publicKey, ...between.formerKeys].map(keyId)).toContain(keyId(signing.publicKey));
        await run();
        const after = await requireWhole();
        expect(keyId(after.signing.publicKey)).not.toBe(keyId(signing.publicKey));
        expect(after.formerKeys.map(keyId)).toContain(keyId(signing.publicKey));
        // One entry for each key that ever took over, in their order, however often it was killed.
        const rekeyed = (await entries()).flatMap((entry) =>
          entry.type === 'identity.rekeyed' ? [entry.signing] : [],
        );
        expect(rekeyed).toEqual([...after.formerKeys.slice(1).map(keyId), keyId(after.signing.publicKey)]);
      }
    }
  }, 120_000);

  it('goes on with the same words after it was stopped while it waited', async () => {
    const terminal = memoryTerminal();
    const waiting = { ...world().openChannel, ...desk.channel, close: () => {} };
    const openChannel = () => ({
      ...waiting,
      collect: async (envelope: Uint8Array) => {
        terminal.interrupt();
        return desk.channel.collect(envelope);
      },
    });
    await expect(run({ openChannel }, terminal)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await requireWhole()).signing.publicKey).toEqual(before.signing.publicKey);
    const { last } = await run();
    expect(last()).toMatchObject({ words: JSON.parse(terminal.out[0]!).words as string });
    expect(desk.calls.filter((call) => call === 'rekey')).toHaveLength(1);
  });

  it('forgets the keys that an administrator has refused', async () => {
    const openChannel = () => ({
      ...desk.channel,
      rekey: async (envelope: Uint8Array) => {
        const reply = await desk.channel.rekey(envelope);
        desk.refuse();
        return reply;
      },
      close: () => {},
    });
    await expect(run({ openChannel })).rejects.toMatchObject({ code: 'ENROLMENT_REFUSED' });
    expect(await readdir(identity())).not.toContain('rekey.json');
    expect((await requireWhole()).signing.publicKey).toEqual(before.signing.publicKey);
  });

  it('does nothing while the agent runs', async () => {
    const lock = await lockState(settings().state);
    await expect(run()).rejects.toMatchObject({ code: 'STATE_LOCKED' });
    await lock.release();
    expect(desk.calls).not.toContain('rekey');
  });

  it('tells people what to do with the words', async () => {
    const { terminal, out } = memoryTerminal();
    await rekey({ settings: settingsFile() }, terminal, world());
    const text = out.join('\n');
    expect(text).toContain(fingerprintWords((await readIdentity(identity())).signing.publicKey));
    expect(text).toContain(`consilium site admit ${SITE}`);
    expect(text).toContain('Plans and standing approvals that name the old key hold no more.');
  });

  it('has the request for both keys in its log before it leaves', async () => {
    let leaving: readonly string[] = [];
    const channel = world().openChannel(...([] as never as Parameters<RekeyWorld['openChannel']>));
    const openChannel = () => ({
      ...channel,
      rekey: async (envelope: Uint8Array) => {
        leaving = (await readFile(join(folder, 'state', 'ledger', 'rows.jsonl'), 'utf8')).split('\n');
        return channel.rekey(envelope);
      },
    });
    await run({ openChannel });
    expect(leaving.some((row) => row.includes('"rekey"') && row.includes('egress.sent'))).toBe(true);
  });
});

it('is refused where there is no identity yet', async () => {
  await writeFile(settingsFile(), JSON.stringify({ ...SETTINGS, identity: 'other' }));
  await expect(run()).rejects.toMatchObject({ code: 'IDENTITY_MISSING' });
});
