import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtobufWriter } from './protobuf.js';

const hex = (writer: ProtobufWriter): string => Buffer.from(writer.toBytes()).toString('hex');

/** Reads a message back as [field, value] pairs, written anew from the description of the encoding. */
function read(bytes: Uint8Array): [field: number, value: bigint | Uint8Array][] {
  const fields: [number, bigint | Uint8Array][] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const length = (tag & 7) === 0 ? undefined : (tag & 7) === 5 ? 4 : Number(varint());
    fields.push([tag >> 3, length === undefined ? varint() : bytes.slice(at, (at += length))]);
  }
  return fields;
}

describe('the encoding', () => {
  // The examples of https://protobuf.dev/programming-guides/encoding.
  it('writes 150 in field 1 as 08 96 01', () => {
    expect(hex(new ProtobufWriter().integer(1, 150))).toBe('089601');
  });

  it('writes “testing” in field 2 as 12 07 and its letters', () => {
    expect(hex(new ProtobufWriter().text(2, 'testing'))).toBe('120774657374696e67');
  });

  it('writes a message within a message with its length before it', () => {
    expect(hex(new ProtobufWriter().message(3, new ProtobufWriter().integer(1, 150)))).toBe('1a03089601');
  });

  it('writes −2 in ten bytes', () => {
    expect(hex(new ProtobufWriter().integer(1, -2))).toBe('08feffffffffffffffff01');
  });

  it('writes a float in four bytes, lowest first', () => {
    expect(hex(new ProtobufWriter().float(2, 1))).toBe('150000803f');
  });

  it('writes nothing as nothing', () => {
    expect(hex(new ProtobufWriter())).toBe('');
  });
});

describe('what was written', () => {
  const field = fc.integer({ min: 1, max: 1000 });

  it('is read back: whole numbers', () => {
    fc.assert(
      fc.property(field, fc.maxSafeInteger(), (number, value) => {
        expect(read(new ProtobufWriter().integer(number, value).toBytes())).toEqual([[number, BigInt(value)]]);
      }),
    );
  });

  it('is read back: bytes, in the order of the calls', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(field, fc.uint8Array({ maxLength: 300 })), { maxLength: 5 }), (fields) => {
        const writer = new ProtobufWriter();
        for (const [number, value] of fields) writer.bytes(number, value);
        expect(read(writer.toBytes())).toEqual(fields);
      }),
    );
  });
});
