import { Fault } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  codeOf,
  foundFederation,
  gate,
  openChannel,
  openHub,
  type Federation,
  type Hub,
} from './federation.fixture.js';
import { helloOf, SESSION_BACKLOG_MAX, type CoordinatorMessage, type HubSession, type SiteMessage } from './index.js';
import { rawClient } from './raw-client.fixture.js';

let demo: Federation;
beforeAll(async () => {
  demo = await foundFederation();
});

const hello = helloOf('test');
const progress = (step: number) => ({ progress: { step, steps: 10, loss: 0.5 } });

/** A coordinator that hands out its sessions, and keeps each open until the site ends it. */
async function hubWithSessions(): Promise<
  Hub & { next(): Promise<{ peer: string; session: HubSession; heard: SiteMessage[] }> }
> {
  const waiting: ReturnType<typeof gate<{ peer: string; session: HubSession; heard: SiteMessage[] }>>[] = [];
  let asked = 0;
  let came = 0;
  const at = (i: number) => (waiting[i] ??= gate());
  const hub = await openHub(demo.coordinator, {
    session: async (peer, session) => {
      const heard: SiteMessage[] = [];
      at(came++).open({ peer, session, heard });
      for await (const message of session.messages) heard.push(message);
    },
  });
  return { ...hub, next: () => at(asked++).opens };
}

const bodies = async (messages: AsyncIterable<CoordinatorMessage>): Promise<string[]> => {
  const names: string[] = [];
  for await (const { body } of messages) names.push(String(body));
  return names;
};

describe('a session', () => {
  it('opens with Hello and Welcome and then carries messages both ways, in order', async () => {
    const hub = await hubWithSessions();
    const session = openChannel(demo.berlin, hub.port).openSession(hello);
    const { peer, session: far, heard } = await hub.next();
    expect(peer).toBe('berlin');
    expect(far.hello).toMatchObject({ protocolVersion: 1, software: 'test' });

    for (let step = 1; step <= 5; step++) expect(session.send(progress(step))).toBe(true);
    expect(far.send({ planOffer: { run: 'run-0123456789', planJson: Buffer.from('{}') } })).toBe(true);
    expect(far.send({ runEnded: { run: 'run-0123456789', outcome: 'finished' } })).toBe(true);
    await expect.poll(() => heard.length).toBe(5);
    expect(heard.map((message) => message.progress?.step)).toEqual([1, 2, 3, 4, 5]);

    far.close();
    expect(await bodies(session.messages)).toEqual(['welcome', 'planOffer', 'runEnded']);
    expect(hub.refusals).toEqual([]);
  });

  it('ends without an error when the site closes it', async () => {
    const hub = await hubWithSessions();
    const session = openChannel(demo.berlin, hub.port).openSession(hello);
    const { session: far } = await hub.next();
    session.close();
    expect(await bodies(session.messages)).toEqual(['welcome']);
    await expect.poll(() => far.signal.aborted).toBe(true);
    expect(session.send(progress(1))).toBe(false);
    expect(far.send({ runEnded: {} })).toBe(false);
  });

  it('ends at the coordinator when the site vanishes, without an error there', async () => {
    const hub = await hubWithSessions();
    const abort = new AbortController();
    const session = openChannel(demo.berlin, hub.port).openSession(hello, { signal: abort.signal });
    const { session: far } = await hub.next();
    abort.abort();
    expect(await codeOf(bodies(session.messages))).toBe('CANCELLED');
    await expect.poll(() => far.signal.aborted).toBe(true);
    expect(hub.refusals).toEqual([]);
  });

  it('tells the site why the coordinator closed it, after what was said before', async () => {
    const hub = await hubWithSessions();
    const session = openChannel(demo.berlin, hub.port).openSession(hello);
    const { session: far } = await hub.next();
    far.send({ runEnded: { outcome: 'failed' } });
    far.close(new Fault('SESSION_REPLACED'));
    const names: string[] = [];
    const read = async () => {
      for await (const { body } of session.messages) names.push(String(body));
    };
    expect(await codeOf(read())).toBe('SESSION_REPLACED');
    expect(names).toEqual(['welcome', 'runEnded']);
  });

  it('ends with the Fault that the coordinator’s handler threw', async () => {
    const { port, refusals } = await openHub(demo.coordinator, {
      session: () => Promise.reject(new Fault('SITE_NOT_IN_PLAN')),
    });
    const session = openChannel(demo.berlin, port).openSession(hello);
    expect(await codeOf(bodies(session.messages))).toBe('SITE_NOT_IN_PLAN');
    expect(refusals).toMatchObject([{ method: 'session', peer: 'berlin' }]);
  });

  it('is left without a trace when the site stops reading', async () => {
    const hub = await hubWithSessions();
    const session = openChannel(demo.berlin, hub.port).openSession(hello);
    const { session: far } = await hub.next();
    for await (const { body } of session.messages) if (body === 'welcome') break;
    await expect.poll(() => far.signal.aborted).toBe(true);
  });

  it('breaks with UNAVAILABLE when the coordinator dies, even if nobody reads it yet', async () => {
    const hub = await hubWithSessions();
    const session = openChannel(demo.berlin, hub.port).openSession(hello);
    await hub.next();
    await hub.server.shutdown(0);
    // A session that was closed in peace and one that was cut off look alike to an agent: it opens the next.
    expect(['done', 'UNAVAILABLE', 'CANCELLED']).toContain(await codeOf(bodies(session.messages)));
  });

  it('to a coordinator that is not there is UNAVAILABLE', async () => {
    const { port, server } = await openHub(demo.coordinator);
    await server.shutdown(0);
    expect(await codeOf(bodies(openChannel(demo.berlin, port).openSession(hello).messages))).toBe('UNAVAILABLE');
  });
});

describe('the handshake of a session', () => {
  it('must come first', async () => {
    const { port, refusals } = await openHub(demo.coordinator);
    const call = rawClient(demo.berlin, port).session();
    call.write(progress(1));
    await expect.poll(() => refusals.map(({ fault }) => fault.code)).toEqual(['HANDSHAKE_MISSING']);
  });

  it('must come at all', async () => {
    const { port, refusals } = await openHub(demo.coordinator);
    rawClient(demo.berlin, port).session().end();
    await expect.poll(() => refusals.map(({ fault }) => fault.code)).toEqual(['HANDSHAKE_MISSING']);
  });

  it('must come soon', async () => {
    const { port, refusals } = await openHub(demo.coordinator, {}, { limits: { helloMs: 50 } });
    rawClient(demo.berlin, port).session();
    await expect.poll(() => refusals.map(({ fault }) => fault.code)).toEqual(['TIMEOUT']);
  });

  it('must be of our protocol version', async () => {
    const { port } = await openHub(demo.coordinator);
    const session = openChannel(demo.berlin, port).openSession({ ...hello, protocolVersion: 9 });
    expect(await codeOf(bodies(session.messages))).toBe('PROTOCOL_VERSION_UNSUPPORTED');
  });

  it('must be answered in our protocol version', async () => {
    const { port } = await openHub(demo.coordinator, {
      greet: () => ({ protocolVersion: 9 }),
      session: async () => {},
    });
    const session = openChannel(demo.berlin, port).openSession(hello);
    expect(await codeOf(bodies(session.messages))).toBe('PROTOCOL_VERSION_UNSUPPORTED');
  });

  it('must be answered soon', async () => {
    const { port } = await openHub(demo.coordinator, { greet: () => new Promise(() => {}) });
    const session = openChannel(demo.berlin, port, { limits: { answerMs: 100 } }).openSession(hello);
    expect(await codeOf(bodies(session.messages))).toBe('TIMEOUT');
  });

  it('does not bound how long the session may then be silent', async () => {
    const hub = await hubWithSessions();
    const session = openChannel(demo.berlin, hub.port, { limits: { answerMs: 200 } }).openSession(hello);
    const { session: far } = await hub.next();
    const reading = bodies(session.messages);
    await new Promise((resolve) => setTimeout(resolve, 400));
    far.send({ runEnded: {} });
    far.close();
    expect(await reading).toEqual(['welcome', 'runEnded']);
  });
});

describe('a site that does not read its session', () => {
  it('is cut off when too much waits for it, and costs no more than that', async () => {
    const came = gate<HubSession>();
    const left = gate();
    const { port } = await openHub(demo.coordinator, {
      session: async (_, session) => {
        came.open(session);
        for await (const message of session.messages) void message;
        left.open();
      },
    });
    const call = rawClient(demo.berlin, port).session();
    call.write({ hello });
    const far = await came.opens;
    // 1 MiB each: far more than any window takes.
    const offer = { planOffer: { planJson: Buffer.alloc(1024 * 1024) } };
    let sent = 0;
    while (sent < 10 * SESSION_BACKLOG_MAX && far.send(offer)) sent++;
    expect(sent).toBeGreaterThanOrEqual(SESSION_BACKLOG_MAX - 1);
    expect(sent).toBeLessThanOrEqual(SESSION_BACKLOG_MAX + 32);
    expect(far.signal.aborted).toBe(true);
    // The coordinator's handler ends, although the status cannot leave.
    await left.opens;
  });

  it('and a coordinator that does not: `send` tells the site that too much waits', async () => {
    const stuck = gate();
    const { port } = await openHub(demo.coordinator, { session: () => stuck.opens });
    const session = openChannel(demo.berlin, port).openSession(hello);
    let sent = 0;
    while (sent < 10 * SESSION_BACKLOG_MAX && session.send(progress(sent))) sent++;
    expect(sent).toBeLessThanOrEqual(SESSION_BACKLOG_MAX);
    stuck.open();
  });
});
