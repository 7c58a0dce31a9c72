import { crc32 } from 'node:zlib';
import { concatBytes, utf8 } from '@consilium/stdx';

/** 1 January 1980, the first day of ZIP's calendar: an archive says nothing of when it was written. */
const DATE = 0x0021;

/** A ZIP archive of stored members (PKWARE APPNOTE 6.3), as `numpy.savez` makes; same members, same bytes. */
export function encodeZip(members: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const [locals, directory]: [Uint8Array[], Uint8Array[]] = [[], []];
  let offset = 0;
  for (const [name, bytes] of members) {
    const described = [20, 0, 0, 0, DATE]
      .flatMap(u16)
      .concat(u32(crc32(bytes)), u32(bytes.byteLength), u32(bytes.byteLength), u16(name.length), u16(0));
    const local = concatBytes([Uint8Array.from([...u32(0x04034b50), ...described]), utf8(name), bytes]);
    locals.push(local);
    const place = [...[0, 0, 0].flatMap(u16), ...u32(0), ...u32(offset)];
    directory.push(Uint8Array.from([...u32(0x02014b50), ...u16(20), ...described, ...place]), utf8(name));
    offset += local.byteLength;
  }
  const index = concatBytes(directory);
  const counts = [0, 0, members.size, members.size].flatMap(u16);
  const end = Uint8Array.from([...u32(0x06054b50), ...counts, ...u32(index.byteLength), ...u32(offset), ...u16(0)]);
  return concatBytes([...locals, index, end]);
}

const u16 = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];
