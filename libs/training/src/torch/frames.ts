import { invariant } from '@consilium/stdx';

/**
 * A message between us and the program: two little-endian uint32 (bytes of the header, bytes of the payload), a header in
 * JSON, and a payload of the arrays that the header lists as `[name, dtype, count]`, back to back.
 */
export interface Message {
  readonly header: Readonly<Record<string, unknown>>;
  readonly arrays: Readonly<Record<string, Float32Array | Uint8Array>>;
}

const PREFIX_BYTES = 8;
/** The program answers what it was asked; more than this is nonsense on its standard output. */
const HEADER_BYTES_MAX = 2 ** 20;

/** The message as bytes, in pieces that need not be copied together. The arrays are copied: they may change afterwards. */
export function encodeMessage({ header, arrays }: Message): Buffer[] {
  const pieces = Object.values(arrays).map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)),
  );
  const listed = Object.entries(arrays).map(([name, array]) => [name, dtypeOf(array), array.length]);
  const text = Buffer.from(JSON.stringify({ ...header, arrays: listed }));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32LE(text.length, 0);
  prefix.writeUInt32LE(
    pieces.reduce((sum, { length }) => sum + length, 0),
    4,
  );
  return [prefix, text, ...pieces];
}

const dtypeOf = (array: Float32Array | Uint8Array): string => (array instanceof Uint8Array ? 'u1' : 'f4');

/** Puts messages together from pieces as a pipe gives them. */
export class MessageReader {
  #pieces: Buffer[] = [];
  #length = 0;

  /** The messages that the piece completes. Throws where the bytes are no messages. */
  *read(piece: Buffer): Generator<Message> {
    this.#pieces.push(piece);
    this.#length += piece.length;
    for (;;) {
      if (this.#length < PREFIX_BYTES) return;
      const prefix = this.#peek(PREFIX_BYTES);
      const headerBytes = prefix.readUInt32LE(0);
      const payloadBytes = prefix.readUInt32LE(4);
      if (headerBytes > HEADER_BYTES_MAX) throw new RangeError('a header is at most a megabyte');
      const total = PREFIX_BYTES + headerBytes + payloadBytes;
      if (this.#length < total) return;
      const bytes = this.#take(total);
      yield decode(bytes.subarray(PREFIX_BYTES), headerBytes);
    }
  }

  #peek(count: number): Buffer {
    if (this.#pieces[0]!.length >= count) return this.#pieces[0]!;
    this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0]!;
  }

  #take(count: number): Buffer {
    const whole = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    this.#pieces = whole.length > count ? [whole.subarray(count)] : [];
    this.#length -= count;
    return whole.subarray(0, count);
  }
}

function decode(bytes: Buffer, headerBytes: number): Message {
  const header: unknown = JSON.parse(bytes.toString('utf8', 0, headerBytes));
  if (typeof header !== 'object' || header === null) throw new TypeError('a header is an object');
  const arrays: Record<string, Float32Array> = {};
  let at = headerBytes;
  for (const [name, count] of listedIn(header)) {
    if (at + 4 * count > bytes.length) throw new RangeError('a payload holds the arrays that its header lists');
    // A copy, since a float32 view must begin at a multiple of four.
    arrays[name] = new Float32Array(new Uint8Array(bytes.subarray(at, at + 4 * count)).buffer);
    at += 4 * count;
  }
  return { header: header as Record<string, unknown>, arrays };
}

function listedIn(header: object): readonly (readonly [string, number])[] {
  const listed = 'arrays' in header && Array.isArray(header.arrays) ? (header.arrays as unknown[]) : [];
  return listed.map((entry) => {
    invariant(Array.isArray(entry) && typeof entry[0] === 'string' && entry[1] === 'f4', 'answers are float32');
    return [entry[0], Number(entry[2])];
  });
}
