import { Fault, utf8 } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { entry, fileOf } from './file.fixture.js';
import { readHeader } from './header.js';
import { RULES, type Rule } from './rules.js';

const data = (bytes: number): Uint8Array => new Uint8Array(bytes);
const one = entry([1], 0, 4);

interface Refused {
  readonly what: string;
  readonly file: Uint8Array;
  readonly rule: Rule;
  readonly facts?: Record<string, unknown>;
  readonly headerBytesMax?: number;
}

const REFUSED: readonly Refused[] = [
  { what: 'an empty file', file: data(0), rule: 'lengthPrefix', facts: { cameBytes: 0 } },
  { what: 'a file of 7 bytes', file: data(7), rule: 'lengthPrefix', facts: { cameBytes: 7 } },
  {
    what: 'a header longer than the file',
    file: fileOf('{}', data(0), 3n),
    rule: 'headerInside',
    facts: { headerBytes: 3, cameBytes: 2 },
  },
  {
    what: 'a header of 2⁶⁴ − 1 bytes',
    file: fileOf('{}', data(0), 2n ** 64n - 1n),
    rule: 'headerLimit',
    facts: { limitBytes: 2 ** 24 },
  },
  {
    what: 'a header of 2⁶³ bytes, negative to a signed reader',
    file: fileOf('{}', data(0), 2n ** 63n),
    rule: 'headerLimit',
  },
  {
    what: 'a header one byte over the limit',
    file: fileOf('{}   '),
    headerBytesMax: 4,
    rule: 'headerLimit',
    facts: { limitBytes: 4 },
  },
  { what: 'a header over 16 MiB by default', file: fileOf('{}', data(0), 2n ** 24n + 1n), rule: 'headerLimit' },
  { what: 'an empty header', file: fileOf(''), rule: 'headerBrace' },
  { what: 'white space before the brace', file: fileOf(' {}'), rule: 'headerBrace' },
  {
    what: 'a byte order mark before the brace',
    file: fileOf(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d)),
    rule: 'headerBrace',
  },
  { what: 'a list as header', file: fileOf([]), rule: 'headerBrace' },
  {
    what: 'bytes that are not UTF-8',
    file: fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)),
    rule: 'headerUtf8',
  },
  {
    what: 'an overlong UTF-8 form',
    file: fileOf(Uint8Array.of(0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a, 0x31, 0x7d)),
    rule: 'headerUtf8',
  },
  { what: 'half an object', file: fileOf('{"a":'), rule: 'headerJson', facts: { at: 5 } },
  { what: 'a literal that no header has', file: fileOf('{"a":null}'), rule: 'headerJson' },
  {
    what: 'a size written as 1.0',
    file: fileOf('{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', data(4)),
    rule: 'headerJson',
  },
  { what: 'a negative size', file: fileOf({ a: entry([-1], 0, 4) }, data(4)), rule: 'headerJson' },
  { what: 'a shape inside a shape', file: fileOf({ a: entry([[1]], 0, 4) }, data(4)), rule: 'headerNesting' },
  { what: 'two objects', file: fileOf('{}{}'), rule: 'headerTrailing', facts: { at: 2 } },
  { what: 'zero bytes as padding', file: fileOf('{}\0\0'), rule: 'headerTrailing' },
  {
    what: 'a tensor listed twice',
    file: fileOf(`{"a":${JSON.stringify(one)},"a":${JSON.stringify(one)}}`, data(4)),
    rule: 'uniqueKeys',
  },
  {
    what: 'a field listed twice',
    file: fileOf('{"a":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,8]}}', data(8)),
    rule: 'uniqueKeys',
  },
  { what: 'metadata twice', file: fileOf('{"__metadata__":{},"__metadata__":{}}'), rule: 'uniqueKeys' },
  { what: 'metadata that is a number', file: fileOf({ __metadata__: 1 }), rule: 'metadataForm' },
  { what: 'metadata with a number', file: fileOf({ __metadata__: { epoch: 3 } }), rule: 'metadataForm' },
  { what: 'metadata with an object', file: fileOf({ __metadata__: { a: {} } }), rule: 'metadataForm' },
  { what: 'an empty name', file: fileOf({ '': one }, data(4)), rule: 'tensorName', facts: { tensor: 0 } },
  { what: 'a name with half a surrogate pair', file: fileOf('{"\\ud800":1}'), rule: 'tensorName' },
  { what: 'a tensor that is a number', file: fileOf({ a: 1 }), rule: 'tensorForm', facts: { tensor: 0 } },
  { what: 'a tensor that is a list', file: fileOf({ a: ['F32'] }), rule: 'tensorForm' },
  {
    what: 'a tensor without its place',
    file: fileOf({ a: { dtype: 'F32', shape: [1] } }, data(4)),
    rule: 'tensorForm',
  },
  { what: 'a tensor with a fourth field', file: fileOf({ a: { ...one, stride: [1] } }, data(4)), rule: 'tensorForm' },
  { what: 'a dtype that is a number', file: fileOf({ a: entry([1], 0, 4, 32) }, data(4)), rule: 'tensorForm' },
  {
    what: 'a dtype that the format does not know',
    file: fileOf({ a: entry([1], 0, 4, 'float32') }, data(4)),
    rule: 'dtypeKnown',
    facts: { tensor: 0 },
  },
  { what: 'a dtype in lower case', file: fileOf({ a: entry([1], 0, 4, 'f32') }, data(4)), rule: 'dtypeKnown' },
  {
    what: 'a dtype from an object’s prototype',
    file: fileOf({ a: entry([1], 0, 4, 'constructor') }, data(4)),
    rule: 'dtypeKnown',
  },
  {
    what: 'half precision',
    file: fileOf({ a: entry([2], 0, 4, 'F16') }, data(4)),
    rule: 'dtypeSupported',
    facts: { tensor: 0, dtype: 'F16' },
  },
  {
    what: 'integers as the second tensor',
    file: fileOf({ a: one, b: entry([1], 4, 12, 'I64') }, data(12)),
    rule: 'dtypeSupported',
    facts: { tensor: 1, dtype: 'I64' },
  },
  { what: 'a shape that is a number', file: fileOf({ a: entry(1, 0, 4) }, data(4)), rule: 'shapeForm' },
  { what: 'a shape of strings', file: fileOf({ a: entry(['1'], 0, 4) }, data(4)), rule: 'shapeForm' },
  {
    what: 'a shape whose product overflows',
    file: fileOf({ a: entry([2 ** 32, 2 ** 32], 0, 4) }, data(4)),
    rule: 'shapeForm',
  },
  { what: 'an overflow hidden by a zero', file: fileOf({ a: entry([2 ** 32, 2 ** 32, 0], 0, 0) }), rule: 'shapeForm' },
  {
    what: 'offsets that are a number',
    file: fileOf({ a: { dtype: 'F32', shape: [1], data_offsets: 4 } }, data(4)),
    rule: 'offsetsForm',
  },
  {
    what: 'one offset',
    file: fileOf({ a: { dtype: 'F32', shape: [1], data_offsets: [0] } }, data(4)),
    rule: 'offsetsForm',
  },
  {
    what: 'three offsets',
    file: fileOf({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4, 8] } }, data(4)),
    rule: 'offsetsForm',
  },
  {
    what: 'an end before its begin',
    file: fileOf({ a: entry([1], 4, 0) }, data(4)),
    rule: 'offsetsForm',
    facts: { tensor: 0, begin: 4, end: 0 },
  },
  {
    what: 'data beyond the file',
    file: fileOf({ a: entry([2], 0, 8) }, data(4)),
    rule: 'dataInside',
    facts: { tensor: 0, end: 8, dataBytes: 4 },
  },
  { what: 'data that begin beyond the file', file: fileOf({ a: entry([1], 8, 12) }, data(4)), rule: 'dataInside' },
  {
    what: 'a terabyte in a file of 4 bytes',
    file: fileOf({ a: entry([2 ** 38], 0, 2 ** 40) }, data(4)),
    rule: 'dataInside',
  },
  {
    what: 'fewer bytes than the shape has',
    file: fileOf({ a: entry([2], 0, 4) }, data(4)),
    rule: 'dataSize',
    facts: { tensor: 0, expectedBytes: 8, cameBytes: 4 },
  },
  { what: 'more bytes than the shape has', file: fileOf({ a: entry([1], 0, 8) }, data(8)), rule: 'dataSize' },
  {
    what: 'no bytes for a scalar',
    file: fileOf({ a: entry([], 0, 0) }),
    rule: 'dataSize',
    facts: { tensor: 0, expectedBytes: 4, cameBytes: 0 },
  },
  {
    what: 'two tensors on the same bytes',
    file: fileOf({ a: one, b: one }, data(4)),
    rule: 'dataOverlap',
    facts: { tensor: 1, begin: 0, expected: 4 },
  },
  {
    what: 'two tensors that share some bytes',
    file: fileOf({ a: entry([2], 0, 8), b: entry([2], 4, 12) }, data(12)),
    rule: 'dataOverlap',
  },
  {
    what: 'an empty tensor inside another',
    file: fileOf({ a: entry([2], 0, 8), b: entry([0], 4, 4) }, data(8)),
    rule: 'dataOverlap',
  },
  {
    what: 'bytes before the first tensor',
    file: fileOf({ a: entry([1], 4, 8) }, data(8)),
    rule: 'dataHole',
    facts: { tensor: 0, begin: 4, expected: 0 },
  },
  {
    what: 'bytes between two tensors',
    file: fileOf({ a: one, b: entry([1], 8, 12) }, data(12)),
    rule: 'dataHole',
    facts: { tensor: 1, begin: 8, expected: 4 },
  },
  {
    what: 'bytes after the last tensor',
    file: fileOf({ a: one }, data(5)),
    rule: 'dataCovered',
    facts: { usedBytes: 4, dataBytes: 5 },
  },
  { what: 'bytes that no tensor names', file: fileOf({}, data(1)), rule: 'dataCovered' },
];

const refusalOf = ({ file, headerBytesMax }: Refused): unknown => {
  try {
    return readHeader(file, headerBytesMax === undefined ? undefined : { headerBytesMax });
  } catch (error) {
    return error;
  }
};

describe('a safetensors header', () => {
  it.each(REFUSED)('is refused for $what', (refused) => {
    const fault = refusalOf(refused);
    expect(Fault.is(fault, 'SAFETENSORS_MALFORMED')).toBe(true);
    expect((fault as Fault).facts).toMatchObject({ rule: RULES[refused.rule], ...refused.facts });
  });

  it('has each of its rules tried above', () => {
    expect(new Set(REFUSED.map(({ rule }) => rule))).toEqual(new Set(Object.keys(RULES)));
  });

  it('is not told in a refusal: names in the file are a stranger’s', () => {
    for (const file of [
      fileOf({ 'Doe^John': entry([2], 0, 4) }, data(4)),
      fileOf({ 'Doe^John': entry([1], 0, 4, 'Doe^John') }, data(4)),
      fileOf({ __metadata__: { 'Doe^John': 1 } }),
      fileOf('{"Doe^John":\\'),
    ]) {
      const fault = refusalOf({ what: '', file, rule: 'headerJson' }) as Fault;
      expect(fault.code).toBe('SAFETENSORS_MALFORMED');
      expect(`${fault.message} ${JSON.stringify(fault.facts)}`).not.toContain('Doe');
    }
  });

  it('would be taken by a reader that only slices (the control)', () => {
    const naive = (what: string): readonly string[] => {
      const { file } = REFUSED.find((refused) => refused.what === what)!;
      const length = Number(new DataView(file.buffer).getBigUint64(0, true));
      return Object.keys(JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as object);
    };
    expect(naive('two tensors on the same bytes')).toEqual(['a', 'b']);
    expect(naive('bytes between two tensors')).toEqual(['a', 'b']);
    expect(naive('a tensor listed twice')).toEqual(['a']);
    expect(naive('bytes after the last tensor')).toEqual(['a']);
  });

  it('gives the manifest in the order of the data, not of the header', () => {
    const header = { b: entry([1], 4, 8), a: entry([], 0, 4) };
    const { manifest } = readHeader(fileOf(header, data(8)));
    expect(manifest.tensors).toEqual([
      { name: 'a', shape: [], offset: 0, size: 1 },
      { name: 'b', shape: [1], offset: 1, size: 1 },
    ]);
  });

  it('may list an empty tensor anywhere between others', () => {
    const header = { b: entry([1], 4, 8), none: entry([0, 9], 4, 4), a: one, last: entry([0], 8, 8) };
    const { manifest } = readHeader(fileOf(header, data(8)));
    expect(manifest.tensors.map(({ name }) => name)).toEqual(['a', 'none', 'b', 'last']);
  });

  it('may carry metadata of strings, which are left behind', () => {
    const file = fileOf({ __metadata__: { format: 'pt', __proto__: 'x' }, a: one }, data(4));
    expect(readHeader(file).manifest.tensors).toHaveLength(1);
  });

  it('may be padded by white space, and be no tensor at all', () => {
    expect(readHeader(fileOf('{}  \n'))).toEqual({ manifest: { tensors: [], size: 0 }, dataStart: 13 });
  });

  it('may be as long as its limit', () => {
    expect(readHeader(fileOf('{}  '), { headerBytesMax: 4 }).manifest.size).toBe(0);
  });

  it('can be read from the beginning of a file whose length is known', () => {
    const file = fileOf({ a: entry([1000], 0, 4000) }, data(4000));
    const beginning = file.slice(0, file.byteLength - 4000);
    expect(readHeader(beginning, undefined, file.byteLength)).toEqual(readHeader(file));
    expect(() => readHeader(beginning, undefined, file.byteLength - 1)).toThrow(RULES.dataInside);
  });

  it('can be read where it does not begin its buffer', () => {
    const file = fileOf({ a: one }, data(4));
    const padded = new Uint8Array(file.byteLength + 3);
    padded.set(file, 3);
    expect(readHeader(padded.subarray(3))).toEqual(readHeader(file));
  });

  it('takes tensors whose names are an object’s own', () => {
    const text = utf8('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}');
    expect(readHeader(fileOf(text, data(4))).manifest.tensors[0]!.name).toBe('__proto__');
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });
});
