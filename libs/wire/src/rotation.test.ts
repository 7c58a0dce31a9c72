import { createHash } from 'node:crypto';
import { connect as connectTcp, createServer, type AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { certificateFacts } from '@consilium/identity';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  berlin,
  closing,
  codeOf,
  foundFederation,
  gate,
  HOST,
  membership,
  openChannel,
  openHub,
  type Federation,
} from './federation.fixture.js';
import { helloOf, type HubSession, type SiteChannel } from './index.js';

let demo: Federation;
let twin: Federation;
beforeAll(async () => {
  [demo, twin] = await Promise.all([foundFederation(), foundFederation()]);
});

/** A hub that keeps sessions open, hands out a model of which it waits before the last byte, and names each caller's key. */
async function rotating() {
  const sessions: HubSession[] = [];
  const keys: string[] = [];
  const half = gate();
  const hub = await openHub(
    demo.coordinator,
    {
      session: async (_, session) => {
        sessions.push(session);
        for await (const message of session.messages) void message;
      },
      download: async function* () {
        yield Buffer.from('a');
        await half.opens;
        yield Buffer.from('b');
      },
    },
    { authorise: (_, spki) => void (keys.at(-1) !== spki && keys.push(spki)) },
  );
  return { ...hub, sessions, keys, finish: () => half.open() };
}

/** SHA-256 of `ab`. */
const AB = 'fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603' as never;
const keyOf = ({ certificate }: { certificate: string }): string => certificateFacts(certificate).publicKeyPin;
const anew = () => membership(demo.authority, { kind: 'site', name: berlin });

/** Opens a session and reads it to its end; tells what was heard. */
function sessionOf(channel: SiteChannel): { heard: string[]; ended: Promise<string> } {
  const session = channel.openSession(helloOf('test'));
  const heard: string[] = [];
  const ended = codeOf(
    (async () => {
      for await (const { body } of session.messages) heard.push(String(body));
    })(),
  );
  return { heard, ended };
}

/** The key that the coordinator shows in a new handshake. */
const shownAt = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const { ca, certificate: cert, privateKey: key } = demo.berlin;
    const options = { host: HOST, port, ca, cert, key, ALPNProtocols: ['h2'], checkServerIdentity: () => undefined };
    const socket = connect(options, () => {
      const { publicKeyPin } = certificateFacts(socket.getPeerCertificate().raw);
      resolve(publicKeyPin);
    });
    socket.once('error', reject);
    closing(() => socket.destroy());
  });

describe('a new certificate of the coordinator', () => {
  it('is shown from then on, and nothing that runs notices', async () => {
    const { port, server, sessions, finish, refusals } = await rotating();
    const channel = openChannel(demo.berlin, port);
    const { heard } = sessionOf(channel);
    const bytes = channel.download({ digest: AB, bytes: 2 });
    await expect.poll(() => heard).toEqual(['welcome']);
    expect(await shownAt(port)).toBe(keyOf(demo.coordinator));

    const fresh = await membership(demo.authority, { kind: 'coordinator' });
    server.replaceCertificate(fresh);
    expect(await shownAt(port)).toBe(keyOf(fresh));
    expect(await codeOf(openChannel(demo.aarhus, port).greet())).toBe('done');

    finish();
    expect(Buffer.from(await bytes).toString()).toBe('ab');
    expect(sessions[0]!.send({ runEnded: {} })).toBe(true);
    await expect.poll(() => heard).toEqual(['welcome', 'runEnded']);
    expect(refusals).toEqual([]);
  });

  it('changes nothing where it is another’s, or does not fit its key', async () => {
    const { port, server } = await openHub(demo.coordinator);
    expect(await codeOf(() => server.replaceCertificate(demo.berlin))).toBe('CERTIFICATE_INVALID');
    const misfit = { ...demo.coordinator, privateKey: demo.berlin.privateKey };
    expect(await codeOf(() => server.replaceCertificate(misfit))).toBe('CERTIFICATE_INVALID');
    expect(await shownAt(port)).toBe(keyOf(demo.coordinator));
  });

  it('still keeps out who was kept out before', async () => {
    const { port, server } = await openHub(demo.coordinator);
    server.replaceCertificate(await membership(demo.authority, { kind: 'coordinator' }));
    const { certificate, privateKey } = twin.berlin;
    const foreign = { ca: demo.berlin.ca, certificate, privateKey };
    expect(await codeOf(openChannel(foreign, port).greet())).toBe('CERTIFICATE_REFUSED');
  });
});

it('certificates on both sides change twenty times under load, and not one call fails', async () => {
  const model = Buffer.alloc(300_000, 7);
  const { port, server, refusals } = await openHub(demo.coordinator, {
    download: async function* () {
      for (let at = 0; at < model.byteLength; at += 50_000) yield model.subarray(at, at + 50_000);
    },
  });
  const digest = createHash('sha256').update(model).digest('hex') as never;
  const channel = openChannel(demo.berlin, port);
  const outcomes: string[] = [];
  let isOver = false;
  const loads = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      outcomes.push(await codeOf(channel.download({ digest, bytes: model.byteLength })));
      outcomes.push(await codeOf(channel.greet()));
    }
  });
  for (let i = 0; i < 20; i++) {
    const before = outcomes.length;
    server.replaceCertificate(await membership(demo.authority, { kind: 'coordinator' }));
    channel.replaceCertificate(await anew());
    await expect.poll(() => outcomes.length, { timeout: 20_000 }).toBeGreaterThan(before + 4);
  }
  isOver = true;
  await Promise.all(loads);
  expect(new Set(outcomes)).toEqual(new Set(['done']));
  expect(refusals).toEqual([]);
});

describe('a new certificate of a site', () => {
  it('is used by what begins from then on, while what runs ends on the old one', async () => {
    const { port, sessions, keys, finish, refusals } = await rotating();
    const channel = openChannel(demo.berlin, port);
    const { heard, ended } = sessionOf(channel);
    const bytes = channel.download({ digest: AB, bytes: 2 });
    await expect.poll(() => heard).toEqual(['welcome']);
    expect(keys).toEqual([keyOf(demo.berlin)]);

    const fresh = await anew();
    channel.replaceCertificate(fresh);
    expect((await channel.greet()).site).toBe('berlin');
    expect(keys).toEqual([keyOf(demo.berlin), keyOf(fresh)]);

    finish();
    expect(Buffer.from(await bytes).toString()).toBe('ab');
    expect(sessions[0]!.send({ runEnded: {} })).toBe(true);
    await expect.poll(() => heard).toEqual(['welcome', 'runEnded']);
    sessions[0]!.close();
    expect(await ended).toBe('done');
    expect(refusals).toEqual([]);
  });

  it('lets the old connection close when the last of it is done, and not before', async () => {
    const { port, sessions } = await rotating();
    const line = await relay(port);
    const channel = openChannel(demo.berlin, line.port);
    const { heard, ended } = sessionOf(channel);
    await expect.poll(() => heard).toEqual(['welcome']);
    for (let i = 0; i < 3; i++) {
      channel.replaceCertificate(await anew());
      await channel.greet();
    }
    // The session's, and the newest one: those between had nothing left to do.
    await expect.poll(() => line.open()).toBe(2);
    expect(sessions[0]!.signal.aborted).toBe(false);
    sessions[0]!.close();
    expect(await ended).toBe('done');
    await expect.poll(() => line.open()).toBe(1);
    expect(await codeOf(channel.greet())).toBe('done');
  });

  it('goes on counting bytes, and `close` closes the old connection too', async () => {
    const { port, sessions } = await rotating();
    const channel = openChannel(demo.berlin, port);
    await channel.greet();
    const { heard, ended } = sessionOf(channel);
    await expect.poll(() => heard).toEqual(['welcome']);
    const { bytesUp, bytesDown } = channel;
    channel.replaceCertificate(await anew());
    await channel.greet();
    expect(channel.bytesUp).toBeGreaterThan(bytesUp);
    expect(channel.bytesDown).toBeGreaterThan(bytesDown);
    channel.close();
    sessions[0]!.close();
    expect(await ended).toBe('done');
    expect(await codeOf(channel.greet())).not.toBe('done');
  });

  it('changes nothing where it is another site’s, or does not fit its key', async () => {
    const { port } = await openHub(demo.coordinator);
    const channel = openChannel(demo.berlin, port);
    for (const files of [demo.aarhus, demo.coordinator, { ...demo.berlin, privateKey: demo.aarhus.privateKey }]) {
      expect(await codeOf(() => channel.replaceCertificate(files))).toBe('CERTIFICATE_INVALID');
    }
    expect(await codeOf(() => channel.replaceCertificate({ ...demo.berlin, ca: demo.berlin.certificate }))).toBe(
      'CERTIFICATE_INVALID',
    );
    expect((await channel.greet()).site).toBe('berlin');
  });
});

/** A wire to a port that tells how many connections are open through it. */
async function relay(to: number): Promise<{ port: number; open: () => number }> {
  let open = 0;
  const server = createServer((near) => {
    const far = connectTcp(to, HOST);
    open += 1;
    near.once('close', () => (open -= 1));
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      from.pipe(into);
      from.on('error', () => {}).once('close', () => into.destroy());
      closing(() => from.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  closing(() => server.close());
  return { port: (server.address() as AddressInfo).port, open: () => open };
}
