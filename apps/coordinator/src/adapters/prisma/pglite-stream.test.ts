import { concatBytes } from '@consilium/stdx';
import type { PGlite } from '@electric-sql/pglite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PGliteStream } from './pglite-stream.js';

/** A PGlite that writes down what reaches it and answers each call with its number. */
class Scribe {
  readonly calls: Buffer[] = [];
  async execProtocolRaw(messages: Uint8Array): Promise<Uint8Array> {
    this.calls.push(Buffer.from(messages));
    return Uint8Array.of(this.calls.length);
  }
}
const open = (scribe: Scribe) => new PGliteStream(scribe as unknown as PGlite);
const ended = (stream: PGliteStream) => new Promise<void>((resolve) => stream.end(() => resolve()));

/** int32 length of itself and the body, as chapter 54.7 of PostgreSQL's manual says. */
const int32 = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const startUp = (body: Uint8Array): Uint8Array => concatBytes([int32(body.byteLength + 4), body]);
const message = (type: string, body: Uint8Array): Uint8Array =>
  concatBytes([Buffer.from(type), int32(body.byteLength + 4), body]);

const body = fc.uint8Array({ maxLength: 40 });
const conversation = fc
  .tuple(body, fc.array(fc.tuple(fc.constantFrom('Q', 'P', 'B', 'E', 'S'), body), { maxLength: 8 }))
  .map(([first, rest]) => [startUp(first), ...rest.map(([type, content]) => message(type, content))]);

describe('the wire protocol to PGlite', () => {
  it('reaches it whole and in order, wherever the chunks are cut, and never half a message', async () => {
    await fc.assert(
      fc.asyncProperty(conversation, fc.array(fc.nat(400)), async (messages, cuts) => {
        const all = concatBytes(messages);
        const scribe = new Scribe();
        const stream = open(scribe);
        stream.resume();
        const places = [0, ...cuts.map((cut) => cut % (all.byteLength + 1)), all.byteLength].sort((a, b) => a - b);
        places.slice(1).forEach((end, i) => stream.write(Buffer.from(all.subarray(places[i], end))));
        await ended(stream);
        expect(Buffer.concat(scribe.calls)).toEqual(Buffer.from(all));
        const ends = new Set(messages.map((_, i) => concatBytes(messages.slice(0, i + 1)).byteLength));
        let reached = 0;
        for (const call of scribe.calls) expect(ends).toContain((reached += call.byteLength));
      }),
      { numRuns: 200 },
    );
  });

  it('keeps Terminate from it, since PGlite outlives the connection', async () => {
    const scribe = new Scribe();
    const stream = open(scribe);
    const done = new Promise((resolve) => stream.once('end', resolve));
    stream.resume();
    stream.write(
      Buffer.from(
        concatBytes([
          startUp(Buffer.from('user')),
          message('Q', Buffer.from('SELECT 1')),
          message('X', Buffer.alloc(0)),
        ]),
      ),
    );
    await done;
    expect(Buffer.concat(scribe.calls).toString('latin1')).not.toContain('X');
    expect(scribe.calls).toHaveLength(1);
  });

  it('takes an X inside a message for what it is (positive control)', async () => {
    const scribe = new Scribe();
    const stream = open(scribe);
    stream.resume();
    stream.write(Buffer.from(concatBytes([startUp(Buffer.from('X')), message('Q', Buffer.from('X'))])));
    await ended(stream);
    expect(scribe.calls).toHaveLength(1);
  });

  it('answers with a copy, for the answer lies in memory that the next query overwrites', async () => {
    const memory = new Uint8Array([1, 2, 3]);
    const stream = open({ execProtocolRaw: async () => memory } as unknown as Scribe);
    const answer = new Promise<Buffer>((resolve) => stream.once('data', resolve));
    stream.write(Buffer.from(startUp(Buffer.from('user'))));
    const got = await answer;
    memory.fill(9);
    expect([...got]).toEqual([1, 2, 3]);
  });

  it('hands an error of PGlite to the connection', async () => {
    const failing = { execProtocolRaw: () => Promise.reject(new Error('out of memory')) };
    const stream = open(failing as unknown as Scribe);
    const failed = new Promise((resolve) => stream.once('error', resolve));
    stream.write(Buffer.from(startUp(Buffer.from('user'))));
    expect(await failed).toMatchObject({ message: 'out of memory' });
  });
});
