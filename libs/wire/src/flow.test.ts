import { PassThrough, Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallReader } from './call-reader.js';
import { codeOf } from './federation.fixture.js';
import { drained, pieces, within } from './flow.js';

describe('cutting bytes into pieces', () => {
  it('loses and copies nothing, and makes none too large or empty', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 64 }), (bytes, size) => {
        const cut = [...pieces(bytes, size)];
        expect(Buffer.concat(cut).equals(bytes)).toBe(true);
        for (const piece of cut) {
          expect(piece.buffer).toBe(bytes.buffer);
          expect(piece.byteLength).toBeGreaterThan(0);
          expect(piece.byteLength).toBeLessThanOrEqual(size);
        }
      }),
    );
  });
});

describe('waiting within a time', () => {
  it('has the outcome of what it waits for', async () => {
    expect(await within(Promise.resolve(7), 1000)).toBe(7);
    await expect(within(Promise.reject(new Error('broken')), 1000)).rejects.toThrow('broken');
  });

  it('ends in TIMEOUT when nothing comes', async () => {
    expect(await codeOf(within(new Promise(() => {}), 10))).toBe('TIMEOUT');
  });
});

describe('waiting for a stream to drain', () => {
  const full = (): Writable => {
    const stream = new Writable({ highWaterMark: 1, write: () => {} });
    expect(stream.write('x')).toBe(false);
    return stream;
  };
  const never = new AbortController().signal;

  it('ends when the stream takes more', async () => {
    const stream = full();
    const waiting = drained(stream, never, 1000);
    stream.emit('drain');
    await waiting;
    expect(stream.listenerCount('drain')).toBe(0);
  });

  it('is CANCELLED when the call is over, before or while it waits', async () => {
    expect(await codeOf(drained(full(), AbortSignal.abort(), 1000))).toBe('CANCELLED');
    const over = new AbortController();
    const waiting = drained(full(), over.signal, 1000);
    over.abort();
    expect(await codeOf(waiting)).toBe('CANCELLED');
  });

  it('ends in TIMEOUT when nothing is taken', async () => {
    expect(await codeOf(drained(full(), never, 10))).toBe('TIMEOUT');
  });
});

describe('reading a call', () => {
  const call = () => new PassThrough({ objectMode: true, highWaterMark: 2 });

  it('gives each message once and in order, then nothing', async () => {
    const stream = call();
    const reader = new CallReader<number>(stream);
    for (const message of [1, 2, 3]) stream.write(message);
    stream.end();
    expect([await reader.next(), await reader.next(), await reader.next()]).toEqual([1, 2, 3]);
    expect([await reader.next(), await reader.next()]).toEqual([undefined, undefined]);
  });

  it('gives what came before an error or a cancellation', async () => {
    for (const event of ['error', 'cancelled']) {
      const stream = call();
      const reader = new CallReader<number>(stream);
      stream.write(1);
      await new Promise((resolve) => stream.once('readable', resolve));
      stream.emit(event, new Error('lost'));
      expect([await reader.next(), await reader.next()]).toEqual([1, undefined]);
      // The call lives: its status can still be sent.
      expect(stream.destroyed).toBe(false);
    }
  });

  it('wakes whoever waits when it is stopped', async () => {
    const reader = new CallReader<number>(call());
    const waiting = reader.next();
    reader.stop();
    expect(await waiting).toBeUndefined();
  });

  it('takes no more than the stream’s queue of what nobody asked for', async () => {
    const stream = call();
    const reader = new CallReader<number>(stream);
    let written = 0;
    while (written < 100 && stream.write(written)) written++;
    expect(written).toBeLessThan(10);
    expect(await reader.next()).toBe(0);
  });
});
