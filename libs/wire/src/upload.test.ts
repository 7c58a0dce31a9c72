import { createHash, randomBytes } from 'node:crypto';
import { Fault, type Code } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import { codeOf, foundFederation, gate, openChannel, openHub, type Federation } from './federation.fixture.js';
import { CHUNK_BYTES, type HubHandlers, type UpdateHeader, type UpdateHeaderInit } from './index.js';
import { rawClient } from './raw-client.fixture.js';

let demo: Federation;
beforeAll(async () => {
  demo = await foundFederation();
});

const MIB = 1024 * 1024;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const headerOf = (bytes: Uint8Array): UpdateHeaderInit => ({
  round: { run: 'run-0123456789', round: 1, attempt: 1 },
  planDigest: 'a'.repeat(64),
  modelDigest: 'b'.repeat(64),
  length: bytes.byteLength,
  sha256: sha256(bytes),
  examples: 120,
  loss: 0.25,
  metrics: [{ name: 'METRIC_NAME_AUC', value: 0.75, low: 0.5, high: 1 }, { name: 'METRIC_NAME_BRIER' }],
});

/** A coordinator in memory: stores what comes and commits when the digest fits, as the real one does on disk. */
function intake(onStored: (received: number) => void = () => {}) {
  const stored: Uint8Array[] = [];
  const commits: { peer: string; header: UpdateHeader; bytes: Buffer }[] = [];
  const attempts: { sizes: number[]; code?: Code }[] = [];
  const received = (): number => stored.reduce((sum, piece) => sum + piece.byteLength, 0);
  const handlers: Pick<HubHandlers, 'query' | 'upload'> = {
    query: () => ({ received: received(), committed: commits.length > 0 }),
    upload: async (peer, header, chunks) => {
      const attempt: (typeof attempts)[number] = { sizes: [] };
      attempts.push(attempt);
      try {
        for await (const chunk of chunks) {
          attempt.sizes.push(chunk.byteLength);
          stored.push(chunk);
          onStored(received());
        }
        const bytes = Buffer.concat(stored);
        if (sha256(bytes) !== header.sha256) throw new Fault('UPDATE_DIGEST_MISMATCH');
        commits.push({ peer, header, bytes });
        return { sha256: header.sha256, duplicate: false };
      } catch (error) {
        attempt.code = Fault.from(error).code;
        throw error;
      }
    },
  };
  return { handlers, commits, attempts, received };
}

describe('an upload', () => {
  it('brings header and bytes, in chunks of at most 1 MiB, and answers with the commit’s receipt', async () => {
    const { handlers, commits, attempts } = intake();
    const { port } = await openHub(demo.coordinator, handlers);
    const bytes = randomBytes(3 * MIB + 17);
    const progress: number[] = [];
    const channel = openChannel(demo.berlin, port);
    const receipt = await channel.upload({ header: headerOf(bytes), bytes, onProgress: (sent) => progress.push(sent) });

    expect(receipt).toEqual({ sha256: sha256(bytes), duplicate: false });
    expect(commits).toMatchObject([{ peer: 'berlin', header: { examples: 120, loss: 0.25, offset: 0 } }]);
    expect(commits[0]!.bytes.equals(bytes)).toBe(true);
    expect(attempts[0]!.sizes).toEqual([MIB, MIB, MIB, 17]);
    expect(progress).toEqual([MIB, 2 * MIB, 3 * MIB, 3 * MIB + 17]);
    expect(channel.bytesUp).toBeGreaterThan(bytes.byteLength);
    expect(channel.bytesUp).toBeLessThan(bytes.byteLength + 2048);
  });

  it('keeps apart a metric that is undefined and one that is zero', async () => {
    const { handlers, commits } = intake();
    const { port } = await openHub(demo.coordinator, handlers);
    const bytes = randomBytes(10);
    const metrics = [{ name: 'METRIC_NAME_AUC' as const }, { name: 'METRIC_NAME_LOSS' as const, value: 0 }];
    await openChannel(demo.berlin, port).upload({ header: { ...headerOf(bytes), metrics }, bytes });
    expect(commits[0]!.header.metrics[0]).not.toHaveProperty('value');
    expect(commits[0]!.header.metrics[1]).toMatchObject({ name: 'METRIC_NAME_LOSS', value: 0 });
  });

  it('goes on where an earlier one broke', async () => {
    const abort = new AbortController();
    const { handlers, commits, attempts, received } = intake((bytes) => bytes === 2 * MIB && abort.abort());
    const { port } = await openHub(demo.coordinator, handlers);
    // More than windows and queues hold, so that it cannot be complete before the signal acts.
    const bytes = randomBytes(80 * MIB);
    const channel = openChannel(demo.berlin, port);
    expect(await codeOf(channel.upload({ header: headerOf(bytes), bytes, signal: abort.signal }))).toBe('CANCELLED');
    await expect.poll(() => attempts[0]?.code).toBe('UPDATE_TRUNCATED');
    const before = received();

    await channel.upload({ header: headerOf(bytes), bytes });
    expect(commits).toMatchObject([{ header: { offset: before } }]);
    expect(commits[0]!.bytes.equals(bytes)).toBe(true);
  });

  it('is not sent again when it was committed', async () => {
    const { handlers, attempts } = intake();
    const { port } = await openHub(demo.coordinator, handlers);
    const bytes = randomBytes(1000);
    const channel = openChannel(demo.berlin, port);
    await channel.upload({ header: headerOf(bytes), bytes });
    expect(await channel.upload({ header: headerOf(bytes), bytes })).toEqual({
      sha256: sha256(bytes),
      duplicate: true,
    });
    expect(attempts.length).toBe(1);
  });

  it('needs no byte when all had come, but the commit had not', async () => {
    const bytes = randomBytes(1000);
    const { port } = await openHub(demo.coordinator, {
      query: () => ({ received: 1000, committed: false }),
      upload: async (_, header, chunks) => {
        for await (const chunk of chunks) throw new Error(`unexpected ${chunk.byteLength}`);
        return { sha256: header.sha256, duplicate: false };
      },
    });
    expect(await openChannel(demo.berlin, port).upload({ header: headerOf(bytes), bytes })).toMatchObject({
      sha256: sha256(bytes),
    });
  });

  it('ends with the coordinator’s Fault when it is refused before it was read', async () => {
    const { port } = await openHub(demo.coordinator, {
      query: () => ({}),
      upload: () => Promise.reject(new Fault('NOT_A_PARTICIPANT', { round: 1 })),
    });
    const bytes = randomBytes(20 * MIB);
    const channel = openChannel(demo.berlin, port);
    await expect(channel.upload({ header: headerOf(bytes), bytes })).rejects.toMatchObject({
      code: 'NOT_A_PARTICIPANT',
      facts: { round: 1 },
    });
  });

  it('still gets through after many that were refused early: no flow-control window leaks', async () => {
    let isOpen = false;
    const { handlers, commits } = intake();
    const { port } = await openHub(demo.coordinator, {
      query: () => ({}),
      upload: (...given) => (isOpen ? handlers.upload(...given) : Promise.reject(new Fault('UPDATE_CONFLICT'))),
    });
    const bytes = randomBytes(24 * MIB);
    const channel = openChannel(demo.berlin, port);
    for (let i = 0; i < 6; i++) {
      expect(await codeOf(channel.upload({ header: headerOf(bytes), bytes }))).toBe('UPDATE_CONFLICT');
    }
    isOpen = true;
    await channel.upload({ header: headerOf(bytes), bytes });
    expect(commits.length).toBe(1);
  });

  it('ends in MESSAGE_MALFORMED when the coordinator claims to have more than there is', async () => {
    const { port } = await openHub(demo.coordinator, { query: () => ({ received: 11 }) });
    const bytes = randomBytes(10);
    expect(await codeOf(openChannel(demo.berlin, port).upload({ header: headerOf(bytes), bytes }))).toBe(
      'MESSAGE_MALFORMED',
    );
  });

  it('ends in TIMEOUT at the site when the coordinator stands still', async () => {
    const { port } = await openHub(demo.coordinator, { query: () => ({}), upload: () => new Promise(() => {}) });
    const bytes = randomBytes(40 * MIB);
    const channel = openChannel(demo.berlin, port, { limits: { idleMs: 300 } });
    expect(await codeOf(channel.upload({ header: headerOf(bytes), bytes }))).toBe('TIMEOUT');
  });
});

describe('a torn upload is never committed', () => {
  const bytes = randomBytes(4 * MIB);
  const torn = async (
    tear: (
      client: ReturnType<typeof rawClient>,
      call: ReturnType<ReturnType<typeof rawClient>['upload']>['call'],
    ) => void,
  ) => {
    const { handlers, commits, attempts } = intake();
    const { port } = await openHub(demo.coordinator, handlers);
    const client = rawClient(demo.berlin, port);
    const { call, answer } = client.upload();
    call.write({ header: headerOf(bytes) });
    call.write({ data: bytes.subarray(0, MIB) });
    await expect.poll(() => attempts[0]?.sizes.length).toBe(1);
    tear(client, call);
    await expect.poll(() => attempts[0]?.code ?? commits.length).not.toBe(0);
    return { code: attempts[0]?.code, commits: commits.length, answer: await codeOf(answer) };
  };

  it('but a whole one is (the control)', async () => {
    const whole = await torn((_, call) => {
      for (let at = MIB; at < bytes.byteLength; at += MIB) call.write({ data: bytes.subarray(at, at + MIB) });
      call.end();
    });
    expect(whole).toEqual({ code: undefined, commits: 1, answer: 'done' });
  });

  it('when the site ends it early', async () => {
    const { code, commits, answer } = await torn((_, call) => call.end());
    expect([code, commits, answer]).toEqual(['UPDATE_TRUNCATED', 0, 'UPDATE_TRUNCATED']);
  });

  it('when the site cancels it', async () => {
    const { code, commits } = await torn((_, call) => call.cancel());
    expect([code, commits]).toEqual(['UPDATE_TRUNCATED', 0]);
  });

  it('when the connection is lost', async () => {
    const { code, commits } = await torn((client, call) => {
      call.cancel();
      client.clients.close();
    });
    expect([code, commits]).toEqual(['UPDATE_TRUNCATED', 0]);
  });

  it('when it holds other bytes than announced, which the taker sees', async () => {
    const { code, commits } = await torn((_, call) => {
      for (let at = MIB; at < bytes.byteLength; at += MIB) call.write({ data: Buffer.alloc(MIB) });
      call.end();
    });
    expect([code, commits]).toEqual(['UPDATE_DIGEST_MISMATCH', 0]);
  });

  it('and its signal tells the coordinator, too', async () => {
    const signals: AbortSignal[] = [];
    const { port } = await openHub(demo.coordinator, {
      upload: (_peer, _header, _chunks, signal) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    const { call } = rawClient(demo.berlin, port).upload();
    call.write({ header: headerOf(bytes) });
    await expect.poll(() => signals.length).toBe(1);
    expect(signals[0]!.aborted).toBe(false);
    call.cancel();
    await expect.poll(() => signals[0]!.aborted).toBe(true);
  });
});

describe('an upload without manners', () => {
  const sent = async (header: UpdateHeaderInit | undefined, ...pieces: Uint8Array[]): Promise<Code | 'done'> => {
    const { port } = await openHub(demo.coordinator, intake().handlers);
    const { call, answer } = rawClient(demo.berlin, port).upload();
    if (header) call.write({ header });
    for (const piece of pieces) call.write({ data: Buffer.from(piece) });
    call.end();
    return codeOf(answer);
  };
  const ten = Buffer.alloc(10, 1);

  it('is refused where a polite one of the same bytes is not (the control)', async () => {
    expect(await sent(headerOf(ten), ten.subarray(0, 4), ten.subarray(4))).toBe('done');
  });

  it('is refused when it sends more than it announced', async () => {
    expect(await sent(headerOf(ten), ten, ten)).toBe('UPDATE_TOO_LARGE');
  });

  it('is refused when it has no header, or two', async () => {
    expect(await sent(undefined)).toBe('MESSAGE_MALFORMED');
    expect(await sent(undefined, ten)).toBe('MESSAGE_MALFORMED');
    const { port } = await openHub(demo.coordinator, intake().handlers);
    const { call, answer } = rawClient(demo.berlin, port).upload();
    call.write({ header: headerOf(ten) });
    call.write({ header: headerOf(ten) });
    expect(await codeOf(answer)).toBe('MESSAGE_MALFORMED');
  });

  it('is refused when it sends empty chunks, which would never end', async () => {
    expect(await sent(headerOf(ten), Buffer.alloc(0))).toBe('MESSAGE_MALFORMED');
  });

  it('is refused when a chunk is larger than 1 MiB', async () => {
    const large = Buffer.alloc(CHUNK_BYTES + 1);
    expect(await sent(headerOf(large), large)).toBe('MESSAGE_MALFORMED');
  });

  it('is refused when a message is larger than gRPC lets through', async () => {
    const huge = Buffer.alloc(5 * MIB);
    expect(await sent(headerOf(huge), huge)).toBe('OVERLOADED');
  });

  const twists: [string, UpdateHeaderInit][] = [
    ['round', { round: null }],
    ['round', { round: { run: '../../etc', round: 1, attempt: 1 } }],
    ['planDigest', { planDigest: 'A'.repeat(64) }],
    ['modelDigest', { modelDigest: '' }],
    ['sha256', { sha256: 'b'.repeat(63) }],
    ['length', { length: 0 }],
    ['length', { length: 2 ** 60 }],
    ['examples', { examples: 2 ** 53 }],
    ['offset', { offset: 11 }],
  ];
  it.each(twists)('is refused for its header’s %s: %j', async (_, twist) => {
    expect(await sent({ ...headerOf(ten), ...twist }, ten)).toBe('MESSAGE_MALFORMED');
  });

  it('is cut off when it stands still', async () => {
    const { handlers, attempts } = intake();
    const { port } = await openHub(demo.coordinator, handlers, { limits: { idleMs: 100 } });
    const { call, answer } = rawClient(demo.berlin, port).upload();
    call.write({ header: headerOf(ten) });
    expect(await codeOf(answer)).toBe('TIMEOUT');
    expect(attempts[0]?.code).toBe('TIMEOUT');
  });
});

it('a coordinator that stores slowly holds the site back within windows and buffers', async () => {
  const proceed = gate();
  let seen = 0;
  const { port } = await openHub(demo.coordinator, {
    query: () => ({}),
    upload: async (_, header, chunks) => {
      for await (const chunk of chunks) {
        if (seen === 0) await proceed.opens;
        seen += chunk.byteLength;
      }
      return { sha256: header.sha256 };
    },
  });
  const bytes = Buffer.alloc(160 * MIB);
  let sent = 0;
  const channel = openChannel(demo.berlin, port);
  const uploading = channel.upload({ header: headerOf(bytes), bytes, onProgress: (at) => (sent = at) });
  // It stops by itself: two looks half a second apart see the same.
  let before = -1;
  while (sent === 0 || sent !== before) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  // One window of 16 MiB on the way, 16 chunks in each of the two streams' queues, and a little in sockets.
  expect(sent).toBeLessThan(72 * MIB);
  proceed.open();
  await uploading;
  expect(seen).toBe(bytes.byteLength);
});
