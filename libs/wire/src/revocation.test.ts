import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:http2';
import { certificateFacts } from '@consilium/identity';
import { Fault, type Digest, type SiteName } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  berlin,
  closing,
  codeOf,
  foundFederation,
  HOST,
  openChannel,
  openHub,
  type Federation,
} from './federation.fixture.js';
import { helloOf, type HubSession } from './index.js';
import { rawClient } from './raw-client.fixture.js';

const HOUR_MS = 3_600_000;

let demo: Federation;
beforeAll(async () => {
  demo = await foundFederation();
});

/** A hub with a list of the revoked and a clock, where a call of each kind can be kept open. */
async function guarded() {
  const revoked = new Set<SiteName>();
  const asked: [SiteName, Digest][] = [];
  const clock = { ahead: 0 };
  const sessions = new Map<SiteName, HubSession>();
  const began: string[] = [];
  const ended: string[] = [];
  const hub = await openHub(
    demo.coordinator,
    {
      session: async (site, session) => {
        sessions.set(site, session);
        began.push(`session ${site}`);
        for await (const message of session.messages) void message;
        ended.push(`session ${site}`);
      },
      download: async function* (site, _, signal) {
        began.push(`download ${site}`);
        yield Buffer.from('a');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        ended.push(`download ${site}`);
      },
      query: () => ({ received: 0 }),
      upload: async (site, header, chunks) => {
        try {
          for await (const chunk of chunks) began.push(`upload of ${chunk.byteLength}`);
        } finally {
          ended.push(`upload ${site}`);
        }
        return { sha256: header.sha256 };
      },
    },
    {
      now: () => Date.now() + clock.ahead,
      authorise: (site, spki) => {
        asked.push([site, spki]);
        if (revoked.has(site)) throw new Fault('SITE_REVOKED');
      },
    },
  );
  return { ...hub, revoked, asked, clock, sessions, began, ended };
}
type Guarded = Awaited<ReturnType<typeof guarded>>;

/** A session, an upload and a download that are all running; each ends in its promise. */
async function busy(files: typeof demo.berlin, { port, began }: Guarded) {
  const channel = openChannel(files, port);
  const listening = codeOf(
    (async () => {
      for await (const message of channel.openSession(helloOf('test')).messages) void message;
    })(),
  );
  const { call, answer } = rawClient(files, port).upload();
  const bytes = randomBytes(100);
  const header = {
    ...{ round: { run: 'run-0123456789', round: 1, attempt: 1 }, planDigest: 'a'.repeat(64) },
    ...{ modelDigest: 'b'.repeat(64), length: 1000, examples: 1, offset: 0 },
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
  call.write({ header });
  call.write({ data: bytes });
  const downloading = codeOf(channel.download({ digest: 'a'.repeat(64) as never, bytes: 2 }));
  await expect.poll(() => began.length).toBe(3);
  return { channel, all: Promise.all([listening, codeOf(answer), downloading]) };
}

describe('a site that is disconnected', () => {
  it('loses its session and its transfers at once, and is told why', async () => {
    const hub = await guarded();
    const { all, channel } = await busy(demo.berlin, hub);
    hub.revoked.add(berlin);
    const begun = performance.now();
    hub.server.disconnect(berlin);
    expect(await all).toEqual(['SITE_REVOKED', 'SITE_REVOKED', 'SITE_REVOKED']);
    expect(performance.now() - begun).toBeLessThan(1_000);
    await expect.poll(() => hub.ended.sort()).toEqual(['download berlin', 'session berlin', 'upload berlin']);
    expect(hub.sessions.get(berlin)!.signal.aborted).toBe(true);
    expect(hub.sessions.get(berlin)!.send({ runEnded: {} })).toBe(false);
    expect(await codeOf(channel.greet())).toBe('SITE_REVOKED');
  });

  it('loses its idle connections too', async () => {
    const hub = await guarded();
    const { ca, certificate: cert, privateKey: key } = demo.berlin;
    const session = connect(`https://${HOST}:${hub.port}`, { ca, cert, key, checkServerIdentity: () => undefined });
    session.on('error', () => {});
    closing(() => session.destroy());
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    const closed = new Promise((resolve) => session.once('close', resolve));
    const begun = performance.now();
    hub.server.disconnect(berlin);
    await closed;
    expect(performance.now() - begun).toBeLessThan(1_000);
  });

  it('takes no other site with it', async () => {
    const hub = await guarded();
    const { all } = await busy(demo.aarhus, hub);
    let isOver = false;
    void all.then(() => (isOver = true));
    hub.revoked.add(berlin);
    hub.server.disconnect(berlin);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(isOver).toBe(false);
    expect(await codeOf(openChannel(demo.aarhus, hub.port).greet())).toBe('done');
  });

  it('may come again where it was not revoked, and can be told another reason', async () => {
    const hub = await guarded();
    const { all, channel } = await busy(demo.berlin, hub);
    hub.server.disconnect(berlin, new Fault('SESSION_REPLACED'));
    expect(await all).toEqual(['SESSION_REPLACED', 'SESSION_REPLACED', 'SESSION_REPLACED']);
    await expect.poll(() => codeOf(channel.greet()), { timeout: 5_000 }).toBe('done');
  });
});

describe('who may call', () => {
  it('is asked at each call, by name and key', async () => {
    const hub = await guarded();
    const channel = openChannel(demo.berlin, hub.port);
    await channel.greet();
    await channel.greet();
    const { publicKeyPin } = certificateFacts(demo.berlin.certificate);
    expect(hub.asked).toEqual([
      ['berlin', publicKeyPin],
      ['berlin', publicKeyPin],
    ]);
  });

  it('is asked again while a call runs: a site that was revoked behind our back loses it within seconds', async () => {
    const hub = await guarded();
    const { all } = await busy(demo.berlin, hub);
    hub.revoked.add(berlin);
    const begun = performance.now();
    expect(await all).toEqual(['SITE_REVOKED', 'SITE_REVOKED', 'SITE_REVOKED']);
    expect(performance.now() - begun).toBeLessThan(3_000);
    expect(hub.refusals.map(({ peer }) => peer)).toEqual(['berlin', 'berlin', 'berlin']);
  });
});

describe('a certificate that expires while its connection lives', () => {
  it('ends what runs on it, and the connection', async () => {
    const hub = await guarded();
    const { all, channel } = await busy(demo.berlin, hub);
    hub.clock.ahead = 25 * HOUR_MS;
    expect(await all).toEqual(['CERTIFICATE_INVALID', 'CERTIFICATE_INVALID', 'CERTIFICATE_INVALID']);
    expect(await codeOf(channel.greet())).toBe('CERTIFICATE_INVALID');
  });

  it('ends nothing a moment before', async () => {
    const hub = await guarded();
    const { all } = await busy(demo.berlin, hub);
    let isOver = false;
    void all.then(() => (isOver = true));
    hub.clock.ahead = 23 * HOUR_MS;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(isOver).toBe(false);
  });
});
