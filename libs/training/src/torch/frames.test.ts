import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMessage, MessageReader, type Message } from './frames.js';

const bytesOf = (message: Message): Buffer => Buffer.concat(encodeMessage(message));

function read(pieces: readonly Buffer[]): Message[] {
  const reader = new MessageReader();
  return pieces.flatMap((piece) => [...reader.read(piece)]);
}

const float = fc.float({ noDefaultInfinity: true, noNaN: true });
const message = fc.record({
  header: fc.record({ op: fc.string(), step: fc.integer() }),
  arrays: fc.record({
    a: fc.array(float).map((values) => Float32Array.from(values)),
    b: fc.array(float).map((values) => Float32Array.from(values)),
  }),
});

describe('messages', () => {
  it('come out of their bytes as they went in, however the pipe cuts them', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 4 }), fc.array(fc.nat({ max: 200 })), (messages, cuts) => {
        const whole = Buffer.concat(messages.map(bytesOf));
        const places = [0, ...cuts.filter((cut) => cut <= whole.length).sort((a, b) => a - b), whole.length];
        const pieces = places.slice(1).map((end, i) => whole.subarray(places[i], end));
        const came = read(pieces);
        expect(came.map(({ arrays }) => arrays)).toEqual(messages.map(({ arrays }) => arrays));
        expect(came.map(({ header: { op, step } }) => ({ op, step }))).toEqual(messages.map(({ header }) => header));
      }),
    );
  });

  it('are laid out as the program reads them', () => {
    const bytes = bytesOf({ header: { op: 'x' }, arrays: { m: Uint8Array.of(7), v: Float32Array.of(1) } });
    const text = '{"op":"x","arrays":[["m","u1",1],["v","f4",1]]}';
    expect(bytes.readUInt32LE(0)).toBe(text.length);
    expect(bytes.readUInt32LE(4)).toBe(5);
    expect(bytes.toString('utf8', 8, 8 + text.length)).toBe(text);
    expect([...bytes.subarray(8 + text.length)]).toEqual([7, 0, 0, 0x80, 0x3f]);
  });

  it('hold what their arrays were when they were made', () => {
    const array = Float32Array.of(1, 2);
    const pieces = encodeMessage({ header: {}, arrays: { array } });
    array.fill(9);
    expect(read(pieces)[0]!.arrays['array']).toEqual(Float32Array.of(1, 2));
  });
});

describe('bytes that are no message', () => {
  const framed = (text: string, payload = 0): Buffer => {
    const prefix = Buffer.alloc(8);
    prefix.writeUInt32LE(text.length, 0);
    prefix.writeUInt32LE(payload, 4);
    return Buffer.concat([prefix, Buffer.from(text), Buffer.alloc(payload)]);
  };

  it.each([
    ['words of a library', Buffer.from('Intel MKL WARNING: …'.repeat(9))],
    ['a header that is no JSON', framed('{')],
    ['a header that is no object', framed('7')],
    ['an array longer than the payload', framed('{"arrays":[["a","f4",2]]}', 4)],
    ['an array of another kind', framed('{"arrays":[["a","f8",1]]}', 8)],
  ])('are refused: %s', (_, bytes) => {
    expect(() => read([bytes])).toThrow();
  });
});
