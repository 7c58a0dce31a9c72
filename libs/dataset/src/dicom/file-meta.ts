import { Fault } from '@consilium/stdx';
import { isSupported, nameOf } from './transfer-syntax.js';

const PREAMBLE_BYTES = 128;
/** VRs whose length has 32 bits after two reserved ones (PS3.5 7.1.2). */
const LONG_VRS = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);

/**
 * Our own reading of the preamble and the file meta information (PS3.10 7.1), before any library sees the file: the
 * transfer syntax must be one that needs no decompressor. A deflated file of 300 KB can grow a thousandfold inside a
 * parser that inflates it.
 *
 * Faults: DATA_NOT_AN_IMAGE without preamble and `DICM`; DATA_UNREADABLE where the meta information is cut off, out of
 * order or names no transfer syntax; DATA_TRANSFER_SYNTAX_UNSUPPORTED with its name.
 */
export function requireSupportedSyntax(file: Uint8Array): void {
  const uid = transferSyntaxOf(file);
  if (!isSupported(uid)) throw new Fault('DATA_TRANSFER_SYNTAX_UNSUPPORTED', { transferSyntax: nameOf(uid) });
}

function transferSyntaxOf(file: Uint8Array): string {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = PREAMBLE_BYTES + 4;
  if (file.byteLength < at || text(file, PREAMBLE_BYTES, 4) !== 'DICM') {
    throw new Fault('DATA_NOT_AN_IMAGE', { expected: 'DICM after a preamble of 128 bytes' });
  }
  let previous = -1;
  let uid: string | undefined;
  while (at + 8 <= file.byteLength && view.getUint16(at, true) === 0x0002) {
    const element = view.getUint16(at + 2, true);
    // Ascending and unique, so that no two readers of the same file can see different transfer syntaxes.
    if (element <= previous) throw malformed('each element once and in ascending order');
    previous = element;
    const long = LONG_VRS.has(text(file, at + 4, 2));
    if (long && at + 12 > file.byteLength) throw malformed('complete elements');
    const length = long ? view.getUint32(at + 8, true) : view.getUint16(at + 6, true);
    at += long ? 12 : 8;
    if (length > file.byteLength - at) throw malformed('complete elements');
    // A UID has at most 64 characters, padded by a null (PS3.5 9.1).
    if (element === 0x0010) uid = text(file, at, Math.min(length, 65)).replace(/\0+$/, '');
    at += length;
  }
  if (uid === undefined) throw malformed('a TransferSyntaxUID');
  return uid;
}

const text = (file: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...file.subarray(at, at + length));

const malformed = (expected: string): Fault =>
  new Fault('DATA_UNREADABLE', { part: 'file meta information', expected });
