import { crc32, inflateRawSync } from 'node:zlib';
import { Fault } from '@consilium/stdx';

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
const ENTRIES_MAX = 64;

interface Entry {
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly headerAt: number;
}

/**
 * Reads members of a ZIP archive (PKWARE APPNOTE 6.3) as NumPy writes them: stored or deflated, one disk, not
 * encrypted, without ZIP64. The directory at the end is the only authority; nothing is inflated before it is asked
 * for, and never beyond the size that the directory announced and `bytesMax` allows.
 *
 * Faults: DATA_UNREADABLE for anything else or a wrong CRC-32, DATA_TOO_LARGE.
 */
export class ZipArchive {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #view: DataView;

  constructor(private readonly archive: Uint8Array) {
    this.#view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
    this.#entries = guarded(() => this.#directory());
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** The member's bytes. */
  read(name: string, bytesMax: number): Uint8Array {
    const entry = this.#entries.get(name);
    if (!entry) throw malformed('the member');
    if (entry.bytes > bytesMax) throw new Fault('DATA_TOO_LARGE', { bytes: entry.bytes, bytesMax });
    const bytes = guarded(() => this.#unpack(entry));
    if (bytes.byteLength !== entry.bytes || crc32(bytes) !== entry.crc)
      throw malformed('the announced size and CRC-32');
    return bytes;
  }

  #unpack({ method, packedBytes, bytes, headerAt }: Entry): Uint8Array {
    const view = this.#view;
    if (view.getUint32(headerAt, true) !== LOCAL_HEADER) throw malformed('a local header');
    const start = headerAt + 30 + view.getUint16(headerAt + 26, true) + view.getUint16(headerAt + 28, true);
    if (start + packedBytes > this.archive.byteLength) throw malformed('complete members');
    const packed = this.archive.subarray(start, start + packedBytes);
    if (method === 0) return packed.slice();
    if (method === 8) return inflateRawSync(packed, { maxOutputLength: Math.max(1, bytes) });
    throw malformed('members that are stored or deflated');
  }

  #directory(): ReadonlyMap<string, Entry> {
    const view = this.#view;
    const end = this.#endOfDirectory();
    const count = view.getUint16(end + 10, true);
    if (count > ENTRIES_MAX) throw malformed(`at most ${ENTRIES_MAX} members`);
    const entries = new Map<string, Entry>();
    for (let i = 0, at = view.getUint32(end + 16, true); i < count; i++) {
      if (view.getUint32(at, true) !== DIRECTORY_ENTRY) throw malformed('directory entries');
      if (view.getUint16(at + 8, true) & 1) throw malformed('no encryption');
      const nameBytes = view.getUint16(at + 28, true);
      const name = Buffer.from(this.archive.subarray(at + 46, at + 46 + nameBytes)).toString('latin1');
      if (entries.has(name)) throw malformed('each member once');
      entries.set(name, {
        method: view.getUint16(at + 10, true),
        crc: view.getUint32(at + 16, true),
        packedBytes: view.getUint32(at + 20, true),
        bytes: view.getUint32(at + 24, true),
        headerAt: view.getUint32(at + 42, true),
      });
      at += 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    }
    return entries;
  }

  /** It stands last, before a comment of at most 65535 bytes; the last signature whose comment reaches the end counts. */
  #endOfDirectory(): number {
    const last = this.archive.byteLength - 22;
    for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
      const found = this.#view.getUint32(at, true) === END_OF_DIRECTORY;
      if (found && at + 22 + this.#view.getUint16(at + 20, true) === this.archive.byteLength) return at;
    }
    throw malformed('a ZIP directory');
  }
}

/** Reading past the end (RangeError) and zlib's errors mean the same to us: the archive is damaged. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof Fault ? error : malformed('a complete archive');
  }
}

const malformed = (expected: string): Fault => new Fault('DATA_UNREADABLE', { part: 'npz', expected });
