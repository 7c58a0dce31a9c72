import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advanceBytes, f32x4Add, get, repeat, set, unsigned, v128Load, v128Store } from './instructions.js';
import { defineFunction, encodeModule } from './module.js';

describe('unsigned LEB128', () => {
  // The examples of the DWARF specification, appendix C, where the encoding comes from.
  it.each([
    [2, [0x02]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [129, [0x81, 0x01]],
    [12_857, [0xb9, 0x64]],
  ])('writes %d as DWARF does', (value, bytes) => {
    expect(unsigned(value)).toEqual(bytes);
  });

  it('can be read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (value) => {
        const read = unsigned(value).reduce((sum, byte, i) => sum + (byte & 0x7f) * 2 ** (7 * i), 0);
        expect(read).toBe(value);
      }),
    );
  });
});

describe('a module', () => {
  // Written by hand from WebAssembly Core 2.0, §5: one function (i32) -> () that does nothing.
  it('of one empty function is the bytes that the specification asks for', () => {
    const nothing = defineFunction('f', ['p'], { vectors: 1, integers: 0 }, () => []);
    expect([...encodeModule([nothing])]).toEqual(
      [
        [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
        [0x01, 0x05, 0x01, 0x60, 0x01, 0x7f, 0x00],
        [0x02, 0x0f, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x00],
        [0x03, 0x02, 0x01, 0x00],
        [0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00],
        [0x0a, 0x08, 0x01, 0x06, 0x02, 0x01, 0x7b, 0x00, 0x7f, 0x0b],
      ].flat(),
    );
  });

  it('does what its functions say', () => {
    const addRows = defineFunction(
      'addRows',
      ['from', 'to', 'vectors'],
      { vectors: 1, integers: 0 },
      ({ from, to, vectors }, [sum]) => [
        repeat(vectors, [
          set(sum!, f32x4Add(v128Load(from), v128Load(to))),
          v128Store(to, get(sum!)),
          advanceBytes(from, 16),
          advanceBytes(to, 16),
        ]),
      ],
    );
    const memory = new WebAssembly.Memory({ initial: 1 });
    const values = new Float32Array(memory.buffer);
    values.set([1, 2, 3, 4, 5, 6, 7, 8, 10, 20, 30, 40, 50, 60, 70, 80]);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(encodeModule([addRows])), { env: { memory } });
    (exports['addRows'] as (...integers: number[]) => void)(0, 32, 2);
    expect([...values.subarray(8, 16)]).toEqual([11, 22, 33, 44, 55, 66, 77, 88]);
  });
});
