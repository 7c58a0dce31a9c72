import { Fault } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { element, EXPLICIT, IMPLICIT, meta } from './file.fixture.js';
import { requireSupportedSyntax } from './file-meta.js';

const refusal = (file: Uint8Array): Fault => {
  try {
    requireSupportedSyntax(file);
  } catch (error) {
    return error as Fault;
  }
  throw new Error('the file was accepted');
};

describe('the check before any parser', () => {
  it.each([EXPLICIT, IMPLICIT])('lets %s pass', (uid) => {
    expect(() => requireSupportedSyntax(meta(uid))).not.toThrow();
  });

  it.each([
    ['1.2.840.10008.1.2.1.99', 'Deflated Explicit VR Little Endian'],
    ['1.2.840.10008.1.2.2', 'Explicit VR Big Endian'],
    ['1.2.840.10008.1.2.4.50', 'JPEG'],
    ['1.2.840.10008.1.2.4.70', 'JPEG Lossless'],
    ['1.2.840.10008.1.2.4.80', 'JPEG-LS'],
    ['1.2.840.10008.1.2.4.90', 'JPEG 2000'],
    ['1.2.840.10008.1.2.4.201', 'High-Throughput JPEG 2000'],
    ['1.2.840.10008.1.2.4.102', 'MPEG'],
    ['1.2.840.10008.1.2.5', 'RLE Lossless'],
  ])('refuses %s by its name, %s', (uid, transferSyntax) => {
    const fault = refusal(meta(uid));
    expect(fault.code).toBe('DATA_TRANSFER_SYNTAX_UNSUPPORTED');
    expect(fault.facts).toEqual({ transferSyntax });
  });

  it('does not repeat an unknown transfer syntax, which may be anything', () => {
    expect(refusal(meta('JANE^DOE')).facts).toEqual({ transferSyntax: 'unknown' });
  });

  it('does not take a longer or shorter UID for a supported one', () => {
    for (const uid of [`${EXPLICIT}.1`, '1.2.840.10008.1', `${IMPLICIT} `, `${EXPLICIT}\0x`]) {
      expect(refusal(meta(uid)).code).toBe('DATA_TRANSFER_SYNTAX_UNSUPPORTED');
    }
  });

  it('refuses a file without preamble and DICM as no image', () => {
    for (const file of [
      Buffer.alloc(0),
      Buffer.from('%PDF-1.7'),
      Buffer.alloc(131),
      Buffer.alloc(500),
      meta(EXPLICIT).subarray(128),
    ]) {
      expect(refusal(file).code).toBe('DATA_NOT_AN_IMAGE');
    }
  });

  it('refuses meta information without a transfer syntax', () => {
    const other = element({ tag: [0x0002, 0x0002], vr: 'UI', value: '1.2.3' });
    expect(refusal(Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), other])).code).toBe('DATA_UNREADABLE');
  });

  it('refuses a second transfer syntax, which the parser would believe instead of the first', () => {
    const second = { tag: [0x0002, 0x0010], vr: 'UI', value: '1.2.840.10008.1.2.1.99' } as const;
    expect(refusal(meta(EXPLICIT, [second])).code).toBe('DATA_UNREADABLE');
  });

  it('refuses elements that reach beyond the file', () => {
    const long = { tag: [0x0002, 0x0016], vr: 'AE', value: 'x', length: 60_000 } as const;
    expect(refusal(meta(EXPLICIT, [long])).code).toBe('DATA_UNREADABLE');
    const undefinedLength = { tag: [0x0002, 0x0102], vr: 'OB', value: 'xx', length: 0xffff_ffff } as const;
    expect(refusal(meta(EXPLICIT, [undefinedLength])).code).toBe('DATA_UNREADABLE');
  });

  it('answers any bytes with a Fault or consent, never anything else', () => {
    const anything = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(
        fc.oneof(
          anything,
          anything.map((tail) => Buffer.concat([meta(EXPLICIT).subarray(0, 140), tail])),
        ),
        (file) => {
          try {
            requireSupportedSyntax(file);
          } catch (error) {
            expect(error).toBeInstanceOf(Fault);
          }
        },
      ),
    );
  });
});
