import { deflateRawSync, crc32 } from 'node:zlib';
import { Fault, utf8 } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeZip } from './write-zip.js';
import { ZipArchive } from './zip.js';

/** Made by Python 3.11: zipfile.ZipFile(…, ZIP_DEFLATED) with a.npy = b"hello hello hello", b.npy = b"". */
const fromPython = Buffer.from(
  'UEsDBBQAAAAIAAAAIQCAiPnlCgAAABEAAAAFAAAAYS5ucHnLSM3JyVfIQJAAUEsDBBQAAAAIAAAAIQAAAAAAAgAAAAAAAAAFAAAAYi5ucHkDAFBLAQIUAxQAAAAIAAAAIQCAiPnlCgAAABEAAAAFAAAAAAAAAAAAAACAAQAAAABhLm5weVBLAQIUAxQAAAAIAAAAIQAAAAAAAgAAAAAAAAAFAAAAAAAAAAAAAACAAS0AAABiLm5weVBLBQYAAAAAAgACAGYAAABSAAAAAAA=',
  'base64',
);

const refusal = (archive: Uint8Array, name = 'a', bytesMax = 2 ** 40): Fault => {
  try {
    new ZipArchive(archive).read(name, bytesMax);
  } catch (error) {
    if (Fault.is(error)) return error;
    throw error;
  }
  throw new Error('accepted');
};

/** An archive with one deflated member whose directory announces what the test wants. */
function deflated(
  content: Uint8Array,
  announced: { bytes?: number; crc?: number; flags?: number; method?: number } = {},
): Buffer {
  const packed = deflateRawSync(content);
  const stored = Buffer.from(encodeZip(new Map([['a', packed]])));
  const directory = stored.indexOf(Buffer.from('PK\x01\x02', 'latin1'));
  stored.writeUInt16LE(announced.flags ?? 0, directory + 8);
  stored.writeUInt16LE(announced.method ?? 8, directory + 10);
  stored.writeUInt32LE(announced.crc ?? crc32(content), directory + 16);
  stored.writeUInt32LE(announced.bytes ?? content.byteLength, directory + 24);
  return stored;
}

describe('a ZIP archive', () => {
  it('made by Python is read, deflated members and empty ones', () => {
    const archive = new ZipArchive(fromPython);
    expect(Buffer.from(archive.read('a.npy', 100)).toString()).toBe('hello hello hello');
    expect(archive.read('b.npy', 100).byteLength).toBe(0);
    expect(archive.has('c.npy')).toBe(false);
  });

  it('of our own writer comes back, whatever its members hold', () => {
    const members = fc.dictionary(fc.stringMatching(/^[a-z_.]{1,12}$/), fc.uint8Array({ maxLength: 50 }), {
      maxKeys: 5,
    });
    fc.assert(
      fc.property(members, (given) => {
        const archive = new ZipArchive(encodeZip(new Map(Object.entries(given))));
        for (const [name, bytes] of Object.entries(given)) expect(archive.read(name, 50)).toEqual(bytes);
      }),
    );
  });

  it('of our own writer is the same bytes each time and says no time', () => {
    const write = () => encodeZip(new Map([['x', utf8('x')]]));
    expect(write()).toEqual(write());
    expect(Buffer.from(write()).subarray(10, 14).toString('hex')).toBe('00002100');
  });

  it('refuses a member larger than allowed before inflating it', () => {
    expect(refusal(deflated(new Uint8Array(5000)), 'a', 4999).code).toBe('DATA_TOO_LARGE');
  });

  it('never inflates beyond the announced size: a bomb of 64 MiB that claims one byte stops at once', () => {
    const bomb = deflated(new Uint8Array(64 * 2 ** 20), { bytes: 1 });
    const before = process.memoryUsage().arrayBuffers;
    expect(refusal(bomb).code).toBe('DATA_UNREADABLE');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 2 ** 20);
  });

  it.each([
    ['a wrong CRC-32', deflated(utf8('abc'), { crc: 1 })],
    ['more announced than there is', deflated(utf8('abc'), { bytes: 4 })],
    ['encryption', deflated(utf8('abc'), { flags: 1 })],
    ['another compression', deflated(utf8('abc'), { method: 12 })],
    ['a missing member', encodeZip(new Map([['b', utf8('')]]))],
    ['no archive at all', utf8('not a zip')],
    ['nothing', new Uint8Array(0)],
  ])('refuses %s', (_, archive) => {
    expect(refusal(archive).code).toBe('DATA_UNREADABLE');
  });

  it('refuses two members of one name', () => {
    const twice = Buffer.from(
      encodeZip(
        new Map([
          ['a', utf8('1')],
          ['b', utf8('2')],
        ]),
      ),
    );
    for (let at = twice.indexOf('b'); at !== -1; at = twice.indexOf('b', at + 1)) twice[at] = 0x61;
    expect(refusal(twice).code).toBe('DATA_UNREADABLE');
  });

  it('answers every truncation and changed byte with bytes or a Fault', () => {
    for (let length = 0; length < fromPython.byteLength; length++)
      expect(refusal(fromPython.subarray(0, length), 'a.npy')).toBeInstanceOf(Fault);
    fc.assert(
      fc.property(fc.nat(fromPython.byteLength - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(fromPython);
        changed[at] = byte;
        try {
          new ZipArchive(changed).read('a.npy', 100);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
