import { concatBytes, Fault, utf8 } from '@consilium/stdx';

/** An array of bytes with its shape, row-major. */
export interface ByteArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const MAGIC = '\x93NUMPY';
const HEADER = /^\{'descr': '\|u1', 'fortran_order': False, 'shape': \((\d{1,9}(?:, \d{1,9})*),?\), \}\s*$/;

/**
 * Reads the NPY format (NumPy enhancement proposal 1), versions 1 to 3, of dtype uint8 in C order; the header must be
 * written as NumPy writes it and is never evaluated. Throws DATA_UNREADABLE.
 */
export function decodeNpy(file: Uint8Array): ByteArray {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.byteLength < 12 || latin1(file.subarray(0, 6)) !== MAGIC) throw malformed('an NPY header');
  const start = file[6] === 1 ? 10 : 12;
  const end = start + (file[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  const shape = HEADER.exec(latin1(file.subarray(start, Math.min(end, start + 4096))))?.[1]
    ?.split(', ')
    .map(Number);
  if (!shape) throw malformed('uint8 in C order');
  const data = file.subarray(end);
  if (end > file.byteLength || data.byteLength !== shape.reduce((product, size) => product * size, 1)) {
    throw malformed('as many bytes as the shape says');
  }
  return { shape, data };
}

/** Writes version 1 of the format as NumPy does: the data start at a multiple of 64. */
export function encodeNpy({ shape, data }: ByteArray): Uint8Array {
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const head = `{'descr': '|u1', 'fortran_order': False, 'shape': (${dimensions}), }`;
  const length = Math.ceil((10 + head.length + 1) / 64) * 64 - 10;
  const magic = Uint8Array.of(0x93, ...utf8('NUMPY'), 1, 0, length & 0xff, length >> 8);
  return concatBytes([magic, utf8(`${head.padEnd(length - 1)}\n`), data]);
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

const malformed = (expected: string): Fault => new Fault('DATA_UNREADABLE', { part: 'npy', expected });
