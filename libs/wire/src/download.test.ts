import { createHash, randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Fault, type Digest } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import { codeOf, foundFederation, gate, openChannel, openHub, type Federation } from './federation.fixture.js';
import type { HubHandlers, ModelRequest } from './index.js';
import { rawClient } from './raw-client.fixture.js';

let demo: Federation;
beforeAll(async () => {
  demo = await foundFederation();
});

const MIB = 1024 * 1024;
const digestOf = (bytes: Uint8Array): Digest => createHash('sha256').update(bytes).digest('hex') as Digest;

/** Serves the bytes from the asked offset in pieces, and breaks before those pieces (counted over all streams) it is told to. */
function library(bytes: Uint8Array, { piece = MIB, breaksBefore = [] as readonly number[] } = {}) {
  const requests: ModelRequest[] = [];
  let served = 0;
  async function* from(offset: number): AsyncGenerator<Uint8Array> {
    for (let at = offset; at < bytes.byteLength; at += piece) {
      if (breaksBefore.includes(served++)) throw new Fault('UNAVAILABLE');
      yield bytes.subarray(at, at + piece);
    }
  }
  const download: HubHandlers['download'] = (_, request) => {
    requests.push(request);
    return from(request.offset);
  };
  return { requests, handlers: { download } };
}

describe('a download', () => {
  it('brings the model that has the digest', async () => {
    const model = randomBytes(3 * MIB + 5);
    const { port } = await openHub(demo.coordinator, library(model).handlers);
    const progress: number[] = [];
    const channel = openChannel(demo.berlin, port);
    const came = await channel.download({
      digest: digestOf(model),
      bytes: model.byteLength,
      onProgress: (received) => progress.push(received),
    });
    expect(Buffer.from(came).equals(model)).toBe(true);
    expect(progress.at(-1)).toBe(model.byteLength);
    expect(channel.bytesDown).toBeGreaterThan(model.byteLength);
    expect(channel.bytesDown).toBeLessThan(model.byteLength + 1024);
  });

  it('is cut into chunks of at most 1 MiB, however large the coordinator’s pieces are', async () => {
    const model = randomBytes(5 * MIB + 1);
    const { port } = await openHub(demo.coordinator, library(model, { piece: model.byteLength }).handlers);
    const call = rawClient(demo.berlin, port).clients.models.Download({ digest: digestOf(model), offset: 0 });
    const sizes: number[] = [];
    for await (const { data } of call as AsyncIterable<{ data: Buffer }>) sizes.push(data.byteLength);
    expect(sizes).toEqual([MIB, MIB, MIB, MIB, MIB, 1]);
  });

  it('goes on where a stream broke', async () => {
    const model = randomBytes(6 * MIB);
    const { requests, handlers } = library(model, { breaksBefore: [2, 5] });
    const { port } = await openHub(demo.coordinator, handlers);
    const came = await openChannel(demo.berlin, port).download({ digest: digestOf(model), bytes: model.byteLength });
    expect(Buffer.from(came).equals(model)).toBe(true);
    expect(requests.map(({ offset }) => offset / MIB)).toEqual([0, 2, 4]);
  });

  it('is given up when streams break again and again without a byte', async () => {
    const model = randomBytes(MIB);
    const { requests, handlers } = library(model, { breaksBefore: [0, 1, 2, 3, 4, 5, 6, 7] });
    const { port } = await openHub(demo.coordinator, handlers);
    const work = openChannel(demo.berlin, port).download({ digest: digestOf(model), bytes: model.byteLength });
    expect(await codeOf(work)).toBe('UNAVAILABLE');
    expect(requests.length).toBe(5);
  });

  it.each([
    ['other bytes came', 0, randomBytes(1000)],
    ['fewer came', 1, undefined],
    ['more came', -1, undefined],
  ])('is refused when %s', async (_, difference, other) => {
    const model = randomBytes(1000);
    const { port } = await openHub(demo.coordinator, library(other ?? model).handlers);
    const work = openChannel(demo.berlin, port).download({ digest: digestOf(model), bytes: 1000 + difference });
    expect(await codeOf(work)).toBe('MODEL_DIGEST_MISMATCH');
  });

  it('is refused when the coordinator sends without end, at the first byte too many', async () => {
    let served = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.alloc(MIB, served++);
    }
    const { port } = await openHub(demo.coordinator, { download: () => endless() });
    const work = openChannel(demo.berlin, port).download({ digest: digestOf(Buffer.alloc(1)), bytes: MIB });
    expect(await codeOf(work)).toBe('MODEL_DIGEST_MISMATCH');
    const after = served;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(served - after).toBeLessThan(40);
  });

  it('ends with the coordinator’s Fault, and is not asked for again', async () => {
    let asked = 0;
    const { port } = await openHub(demo.coordinator, {
      download: () => {
        asked++;
        throw new Fault('NOT_FOUND');
      },
    });
    const work = openChannel(demo.berlin, port).download({ digest: digestOf(Buffer.alloc(1)), bytes: 1 });
    expect(await codeOf(work)).toBe('NOT_FOUND');
    expect(asked).toBe(1);
  });

  it('ends in TIMEOUT when the coordinator stands still', async () => {
    const { port } = await openHub(demo.coordinator, { download: () => new Promise(() => {}) });
    const channel = openChannel(demo.berlin, port, { limits: { idleMs: 50 } });
    expect(await codeOf(channel.download({ digest: digestOf(Buffer.alloc(1)), bytes: 1 }))).toBe('TIMEOUT');
  });

  it('is CANCELLED by its signal, also while it waits to try again', async () => {
    const model = randomBytes(MIB);
    const { port } = await openHub(demo.coordinator, library(model, { breaksBefore: [0, 1, 2, 3, 4] }).handlers);
    const work = openChannel(demo.berlin, port).download({
      digest: digestOf(model),
      bytes: MIB,
      signal: AbortSignal.timeout(300),
    });
    expect(await codeOf(work)).toBe('CANCELLED');
  });

  it.each([
    ['digest', { digest: '../../etc/passwd', offset: 0 }],
    ['digest', { digest: '', offset: 0 }],
    ['offset', { digest: 'a'.repeat(64), offset: 2 ** 60 }],
  ])('with a malformed %s is refused before the coordinator looks: %j', async (_, request) => {
    const { port, refusals } = await openHub(demo.coordinator);
    const call = rawClient(demo.berlin, port).clients.models.Download(request);
    call.on('error', () => {}).resume();
    await expect.poll(() => refusals.map(({ fault }) => fault.code)).toEqual(['MESSAGE_MALFORMED']);
  });
});

describe('a site that reads slowly', () => {
  /** A model of zeros, which counts what was taken from it and whether its reader let go. */
  const supply = (megabytes: number) => {
    const state = { taken: 0, isReleased: false };
    async function* pieces(): AsyncGenerator<Uint8Array> {
      try {
        const piece = Buffer.alloc(MIB);
        for (; state.taken < megabytes; state.taken++) yield piece;
      } finally {
        state.isReleased = true;
      }
    }
    return { state, download: () => pieces() };
  };

  /** Reads one message and no more. Before its first read a grpc-js client takes whatever comes, without bound. */
  const readOne = async (call: Readable): Promise<void> => {
    call.on('error', () => {});
    await new Promise((resolve) => call.once('readable', resolve));
    call.read();
  };

  it('costs the coordinator a window of bytes and not a model', async () => {
    const { state, download } = supply(400);
    const { port } = await openHub(demo.coordinator, { download });
    const call = rawClient(demo.berlin, port).clients.models.Download({ digest: 'a'.repeat(64), offset: 0 });
    await readOne(call);
    let before = -1;
    while (state.taken === 0 || state.taken !== before) {
      before = state.taken;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect(state.taken).toBeLessThan(60);
    call.cancel();
    await expect.poll(() => state.isReleased).toBe(true);
  });

  it('is cut off when it stands still, and its source released', async () => {
    const { state, download } = supply(400);
    const { port, refusals } = await openHub(demo.coordinator, { download }, { limits: { idleMs: 200 } });
    const call = rawClient(demo.berlin, port).clients.models.Download({ digest: 'a'.repeat(64), offset: 0 });
    await readOne(call);
    await expect.poll(() => state.isReleased, { timeout: 5_000 }).toBe(true);
    await expect.poll(() => refusals.map(({ fault }) => fault.code)).toEqual(['TIMEOUT']);
  });

  it('that goes away releases the source, and the coordinator is told by the signal', async () => {
    const told = gate<AbortSignal>();
    const { state, download } = supply(400);
    const { port } = await openHub(demo.coordinator, {
      download: (_peer, _request, signal) => {
        told.open(signal);
        return download();
      },
    });
    const client = rawClient(demo.berlin, port);
    const call = client.clients.models.Download({ digest: 'a'.repeat(64), offset: 0 });
    call.on('error', () => {});
    const signal = await told.opens;
    call.cancel();
    await expect.poll(() => [signal.aborted, state.isReleased]).toEqual([true, true]);
  });
});
