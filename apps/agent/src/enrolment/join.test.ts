import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRoot, encodePublicKey, newRequest, newSigningKey, signEnvelope } from '@consilium/identity';
import { Fault, ManualClock } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readIdentity } from '../identity.js';
import { IdentityFolder } from './folder.js';
import { openDesk, SITE } from './hub.fixture.js';
import { joinFederation, type JoinPorts } from './join.js';

const NOW = Date.UTC(2026, 10, 25);
let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'consilium-identity-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Desk = Awaited<ReturnType<typeof openDesk>>;

/** Joins; time passes by itself, and the administrator admits when the words are told. */
function joining(desk: Desk, clock: ManualClock, over: Partial<JoinPorts> = {}) {
  const told: string[] = [];
  const ports: JoinPorts = {
    folder: new IdentityFolder(folder),
    channel: desk.channel,
    clock: { now: clock.now, after: (ms, then) => (setImmediate(() => (clock.advance(ms), then())), () => {}) },
    signal: new AbortController().signal,
    onPending: (words) => {
      told.push(words);
      desk.admit();
    },
    ...over,
  };
  return { told, done: joinFederation(desk.token, ports) };
}
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => Fault.from(error).code,
  );

describe('joining a federation', () => {
  it('waits for the administrator, and leaves an identity that the agent can use', async () => {
    const clock = new ManualClock(NOW);
    const desk = await openDesk(clock);
    const { told, done } = joining(desk, clock);
    const joined = await done;
    expect(told).toEqual([joined.words]);
    expect(joined.words.split(' ')).toHaveLength(6);
    const identity = await readIdentity(folder);
    expect(identity.rootPem).toBe(desk.root.certificatePem);
    expect(identity.rootDigest).toBe(desk.token.rootDigest);
    expect(desk.calls).toEqual(['join', 'collect']);
  });

  it('keeps every file for its owner’s eyes only, and no request when it is done', async () => {
    const clock = new ManualClock(NOW);
    const desk = await openDesk(clock);
    desk.admit();
    await joining(desk, clock).done;
    const names = readdirSync(folder).sort();
    expect(names).toEqual(['certificate.pem', 'private.key', 'root.pem', 'roster.json', 'signing.key']);
    for (const name of names) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
  });

  it('goes on with the same keys after it was stopped while it waited', async () => {
    const clock = new ManualClock(NOW);
    const desk = await openDesk(clock);
    const stop = new AbortController();
    const first = joining(desk, clock, { signal: stop.signal, onPending: () => stop.abort() });
    expect(await codeOf(first.done)).toBe('CANCELLED');
    const request = readFileSync(join(folder, 'request.json'), 'utf8');
    const { told, done } = joining(desk, clock);
    await done;
    expect(desk.calls).toEqual(['join', 'collect', 'collect']); // the used token is not handed in again
    expect(request).toContain(encodePublicKey((await readIdentity(folder)).signing.publicKey));
    expect(told).toHaveLength(1);
  });

  it('goes on where the answer to the token was lost', async () => {
    const clock = new ManualClock(NOW);
    const desk = await openDesk(clock);
    const channel = {
      ...desk.channel,
      join: async (request: Parameters<typeof desk.channel.join>[0]) => {
        await desk.channel.join(request);
        throw new Fault('UNAVAILABLE');
      },
    };
    expect(await codeOf(joining(desk, clock, { channel }).done)).toBe('UNAVAILABLE');
    expect(await codeOf(joining(desk, clock).done)).toBe('done');
  });

  it('goes on waiting while the coordinator is away', async () => {
    const clock = new ManualClock(NOW);
    const desk = await openDesk(clock);
    let away = 2;
    const collect: typeof desk.channel.collect = async (envelope) => {
      if (away-- > 0) throw new Fault('UNAVAILABLE');
      return desk.channel.collect(envelope);
    };
    expect(await codeOf(joining(desk, clock, { channel: { ...desk.channel, collect } }).done)).toBe('done');
  });

  it('refuses a used token, and leaves no identity', async () => {
    const clock = new ManualClock(NOW);
    const desk = await openDesk(clock);
    await desk.channel.join({ token: desk.token.secret, envelope: await envelopeOfAnother(desk) });
    expect(await codeOf(joining(desk, clock).done)).toBe('JOIN_TOKEN_INVALID');
    expect(readdirSync(folder)).toEqual(['request.json']);
  });

  it('begins anew after an administrator has refused it, with other keys and another token', async () => {
    const clock = new ManualClock(NOW);
    const desk = await openDesk(clock);
    const refused: string[] = [];
    const first = joining(desk, clock, { onPending: (words) => (refused.push(words), desk.refuse()) });
    expect(await codeOf(first.done)).toBe('ENROLMENT_REFUSED');
    expect(readdirSync(folder)).toEqual([]);
    const next = await openDesk(clock);
    const { words } = await joining(next, clock, { onPending: (told) => (refused.push(told), next.admit()) }).done;
    expect(refused).toHaveLength(2);
    expect(refused[1]).toBe(words);
    expect(refused[0]).not.toBe(words);
  });

  it.each<[string, string, (desk: Desk) => Promise<object>]>([
    ['for another key', 'CERTIFICATE_INVALID', async (desk) => ({ certificate: await desk.issue(await anotherCsr()) })],
    [
      'of another root',
      'CERTIFICATE_INVALID',
      async (desk) => ({ certificate: (await otherRoot()) + desk.root.certificatePem }),
    ],
    [
      'with a roster that lists another key',
      'ROSTER_INVALID',
      async (desk) => ({ roster: Buffer.from(await desk.rosterOf(encodePublicKey(newSigningKey().publicKey))) }),
    ],
    ['with a roster that nobody signed', 'ENVELOPE_INVALID', async () => ({ roster: Buffer.from('{}') })],
  ])('refuses an answer %s', async (_what, code, forged) => {
    const clock = new ManualClock(NOW);
    const desk = await openDesk(clock);
    desk.admit();
    const change = await forged(desk);
    expect(await codeOf(joining(desk, clock, { channel: desk.forge(() => change) }).done)).toBe(code);
    expect(await new IdentityFolder(folder).isEnrolled()).toBe(false);
  });
});

const anotherCsr = async (): Promise<string> => Buffer.from((await newRequest()).csr).toString('base64');
const otherRoot = async (): Promise<string> =>
  (await createRoot({ federation: 'lung', now: NOW, days: 1 })).certificatePem;

async function envelopeOfAnother(desk: Desk): Promise<Buffer> {
  const key = newSigningKey();
  const join = {
    schema: 'consilium.join/1',
    federation: 'lung',
    site: SITE,
    token: desk.token.digest,
    csr: await anotherCsr(),
    signing: encodePublicKey(key.publicKey),
    atMs: NOW,
  } as const;
  return Buffer.from(signEnvelope('join', join, [key]));
}
