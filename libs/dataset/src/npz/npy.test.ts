import { Fault, utf8 } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeNpy, encodeNpy } from './npy.js';

/** numpy.save of arange(6, dtype=uint8).reshape(2, 3) and of arange(3, dtype=uint8), NumPy 2. */
const matrix = Buffer.from(
  'k05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAQIDBAU=',
  'base64',
);
const vector = Buffer.from(
  'k05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDMsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAQI=',
  'base64',
);

const header = (text: string, data = 'xxxxxx'): Uint8Array =>
  Buffer.concat([Buffer.from('934e554d50590100', 'hex'), Buffer.from([text.length, 0]), utf8(text), utf8(data)]);
const refuses = (file: Uint8Array): void => {
  expect(() => decodeNpy(file)).toThrow(Fault);
};

describe('the NPY format', () => {
  it('is read as NumPy writes it', () => {
    expect(decodeNpy(matrix)).toEqual({ shape: [2, 3], data: Buffer.from([0, 1, 2, 3, 4, 5]) });
    expect(decodeNpy(vector).shape).toEqual([3]);
  });

  it('is written byte for byte as NumPy writes it', () => {
    expect(Buffer.from(encodeNpy({ shape: [2, 3], data: Uint8Array.of(0, 1, 2, 3, 4, 5) }))).toEqual(matrix);
    expect(Buffer.from(encodeNpy({ shape: [3], data: Uint8Array.of(0, 1, 2) }))).toEqual(vector);
  });

  it('comes back for any shape', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }), (shape) => {
        const data = new Uint8Array(shape.reduce((product, size) => product * size, 1)).fill(7);
        expect(decodeNpy(encodeNpy({ shape, data }))).toEqual({ shape, data });
      }),
    );
  });

  it('is read in version 2, whose header length has 32 bits', () => {
    const text = "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }\n";
    const file = Buffer.concat([
      Buffer.from('934e554d50590200', 'hex'),
      Buffer.from([text.length, 0, 0, 0]),
      utf8(text),
      utf8('a'),
    ]);
    expect(decodeNpy(file).shape).toEqual([1]);
  });

  it.each([
    "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (6,), }",
    "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (-6,), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (7,), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999,), }",
    "__import__('os').system('true')",
  ])('is refused with the header %s', (text) => refuses(header(text)));

  it('is refused when truncated anywhere, and when something follows', () => {
    for (let length = 0; length < matrix.byteLength; length++) refuses(matrix.subarray(0, length));
    refuses(Buffer.concat([matrix, Buffer.from([0])]));
  });
});
