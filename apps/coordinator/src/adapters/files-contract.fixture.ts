import { concatBytes, type Digest, type RunId } from '@consilium/stdx';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { alpha, beta } from '../fixtures/plan.fixture.js';
import { chunksOf, sha256Of } from '../fixtures/updates.fixture.js';
import type { ModelFiles, Spool, SpoolSlot } from '../ports.js';

const run = 'run-0000000001' as RunId;
const other = 'run-0000000002' as RunId;
const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) % 256);
const slotOf = (content: Uint8Array, change: Partial<SpoolSlot> = {}): SpoolSlot => ({
  run,
  round: 1,
  attempt: 1,
  site: alpha,
  sha256: sha256Of(content),
  ...change,
});

async function* broken(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
  throw new Error('the connection broke');
}

/** What every spool promises; each test gets an empty one. */
export function spoolContract(empty: () => Promise<Spool>): void {
  it('answers length and digest of what came, and keeps it', async () => {
    const spool = await empty();
    const slot = slotOf(bytes);
    expect(await spool.received(slot)).toBe(0);
    expect(await spool.receive(slot, 0, chunksOf(bytes, 999))).toEqual({ length: 5000, sha256: slot.sha256 });
    await spool.keep(slot);
    await spool.keep(slot);
    expect(await spool.received(slot)).toBe(5000);
    expect(Buffer.from(await spool.read(slot))).toEqual(Buffer.from(bytes));
  });

  it('keeps what came before a break, and goes on from any byte of it to the same whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 5000 }), async (came, asked) => {
        const spool = await empty();
        const slot = slotOf(bytes);
        await expect(spool.receive(slot, 0, broken(bytes.subarray(0, came)))).rejects.toThrow('broke');
        expect(await spool.received(slot)).toBe(came);
        const offset = Math.min(asked, came);
        const whole = await spool.receive(slot, offset, chunksOf(bytes.subarray(offset), 1000));
        expect(whole).toEqual({ length: 5000, sha256: slot.sha256 });
      }),
      { numRuns: 10 },
    );
  });

  it('can complete an upload of which all bytes are there', async () => {
    const spool = await empty();
    const slot = slotOf(bytes);
    await spool.receive(slot, 0, chunksOf(bytes));
    await spool.keep(slot);
    expect(await spool.receive(slot, 5000, chunksOf(new Uint8Array()))).toEqual({ length: 5000, sha256: slot.sha256 });
  });

  it('cuts off what lies beyond the offset', async () => {
    const spool = await empty();
    const slot = slotOf(bytes);
    await spool.receive(slot, 0, chunksOf(bytes));
    const tail = new Uint8Array([1, 2, 3]);
    const expected = concatBytes([bytes.subarray(0, 10), tail]);
    expect(await spool.receive(slot, 10, chunksOf(tail))).toEqual({ length: 13, sha256: sha256Of(expected) });
    expect(Buffer.from(await spool.read(slot))).toEqual(Buffer.from(expected));
  });

  it('drops what a site sent before when it sends other bytes for the same attempt, and nobody else’s', async () => {
    const spool = await empty();
    const changed = bytes.slice().reverse();
    const others = [slotOf(bytes, { site: beta }), slotOf(bytes, { attempt: 2 }), slotOf(bytes, { run: other })];
    for (const slot of [slotOf(bytes), ...others]) await spool.receive(slot, 0, chunksOf(bytes));
    await spool.receive(slotOf(changed), 0, chunksOf(changed));
    expect(await spool.received(slotOf(bytes))).toBe(0);
    for (const slot of others) expect(await spool.received(slot)).toBe(5000);
  });

  it('drops a slot, and says NOT_FOUND for what is not there', async () => {
    const spool = await empty();
    const slot = slotOf(bytes);
    await spool.drop(slot);
    await spool.receive(slot, 0, chunksOf(bytes));
    await spool.drop(slot);
    expect(await spool.received(slot)).toBe(0);
    await expect(spool.read(slot)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('discards a run’s uploads but for one attempt, or all of them', async () => {
    const spool = await empty();
    const slots = [
      slotOf(bytes),
      slotOf(bytes, { attempt: 2 }),
      slotOf(bytes, { round: 2 }),
      slotOf(bytes, { run: other }),
    ];
    for (const slot of slots) await spool.receive(slot, 0, chunksOf(bytes));
    expect(await spool.runs()).toEqual([run, other]);
    await spool.discard(run, { round: 1, attempt: 2 });
    const left = await Promise.all(slots.map((slot) => spool.received(slot)));
    expect(left).toEqual([0, 5000, 0, 5000]);
    await spool.discard(run);
    expect(await spool.runs()).toEqual([other]);
    await spool.discard('run-0000000009' as RunId);
  });
}

/** What every store of model files promises. */
export function modelFilesContract(empty: () => Promise<ModelFiles>): void {
  it('answers the SHA-256 of a model, once and again', async () => {
    const models = await empty();
    expect(await models.put(bytes)).toBe(sha256Of(bytes));
    expect(await models.put(bytes.slice())).toBe(sha256Of(bytes));
    expect(await models.size(sha256Of(bytes))).toBe(5000);
    expect(Buffer.from(await models.read(sha256Of(bytes)))).toEqual(Buffer.from(bytes));
  });

  it('streams from any offset in pieces of at most the size asked for', async () => {
    const models = await empty();
    const digest = await models.put(bytes);
    for (const offset of [0, 1, 999, 4999, 5000]) {
      const pieces: Uint8Array[] = [];
      for await (const piece of models.stream(digest, offset, 1000)) pieces.push(piece.slice());
      expect(Math.max(0, ...pieces.map(({ byteLength }) => byteLength))).toBeLessThanOrEqual(1000);
      expect(Buffer.concat(pieces)).toEqual(Buffer.from(bytes.subarray(offset)));
    }
  });

  it('says NOT_FOUND for a digest that it does not have', async () => {
    const models = await empty();
    const none = 'f'.repeat(64) as Digest;
    expect(await models.size(none)).toBeUndefined();
    await expect(models.read(none)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(models.stream(none, 0, 10)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
}
