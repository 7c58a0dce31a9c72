import { createHash } from 'node:crypto';
import { concatBytes, Fault, invariant, type Digest, type RunId } from '@consilium/stdx';
import type { ModelFiles, Spool, SpoolSlot } from '../../ports.js';

export class MemorySpool implements Spool {
  readonly #slots = new Map<string, { slot: SpoolSlot; bytes: Uint8Array }>();

  async received(slot: SpoolSlot): Promise<number> {
    return this.#slots.get(keyOf(slot))?.bytes.byteLength ?? 0;
  }

  async receive(
    slot: SpoolSlot,
    offset: number,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<{ length: number; sha256: Digest }> {
    invariant(offset <= (await this.received(slot)), 'an upload goes on where bytes end');
    const held: { slot: SpoolSlot; bytes: Uint8Array } = {
      slot,
      bytes: (this.#slots.get(keyOf(slot))?.bytes ?? new Uint8Array()).slice(0, offset),
    };
    for (const other of this.#slots.values()) if (sameAttempt(other.slot, slot)) await this.drop(other.slot);
    this.#slots.set(keyOf(slot), held);
    for await (const chunk of chunks) held.bytes = concatBytes([held.bytes, chunk]);
    return { length: held.bytes.byteLength, sha256: sha256Of(held.bytes) };
  }

  async keep(slot: SpoolSlot): Promise<void> {
    invariant(this.#slots.has(keyOf(slot)), 'only what was received is kept');
  }

  async read(slot: SpoolSlot): Promise<Uint8Array> {
    const held = this.#slots.get(keyOf(slot));
    if (!held) throw new Fault('NOT_FOUND', { site: slot.site, round: slot.round });
    return held.bytes.slice();
  }

  async drop(slot: SpoolSlot): Promise<void> {
    this.#slots.delete(keyOf(slot));
  }

  async discard(run: RunId, except?: { readonly round: number; readonly attempt: number }): Promise<void> {
    for (const { slot } of [...this.#slots.values()]) {
      const spared = slot.round === except?.round && slot.attempt === except?.attempt;
      if (slot.run === run && !spared) await this.drop(slot);
    }
  }

  async runs(): Promise<readonly RunId[]> {
    return [...new Set([...this.#slots.values()].map(({ slot }) => slot.run))].sort();
  }
}

export class MemoryModelFiles implements ModelFiles {
  readonly #models = new Map<Digest, Uint8Array>();

  async put(bytes: Uint8Array): Promise<Digest> {
    const digest = sha256Of(bytes);
    this.#models.set(digest, bytes.slice());
    return digest;
  }

  async size(digest: Digest): Promise<number | undefined> {
    return this.#models.get(digest)?.byteLength;
  }

  async read(digest: Digest): Promise<Uint8Array> {
    const bytes = this.#models.get(digest);
    if (!bytes) throw new Fault('NOT_FOUND', { modelDigest: digest });
    return bytes.slice();
  }

  async *stream(digest: Digest, offset: number, chunkBytes: number): AsyncGenerator<Uint8Array> {
    const bytes = await this.read(digest);
    for (let at = offset; at < bytes.byteLength; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
}

const keyOf = ({ run, round, attempt, site, sha256 }: SpoolSlot): string =>
  [run, round, attempt, site, sha256].join('/');

const sameAttempt = (a: SpoolSlot, b: SpoolSlot): boolean =>
  a.run === b.run && a.round === b.round && a.attempt === b.attempt && a.site === b.site;

const sha256Of = (bytes: Uint8Array): Digest => createHash('sha256').update(bytes).digest('hex') as Digest;
