import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromUtf8, toHex, utf8 } from './bytes.js';
import { digestOf, digestOfJson } from './digest.js';
import { Fault } from './fault.js';
import { digest, runId, siteName, studyName } from './ids.js';
import { canonicalJson } from './json.js';

describe('bytes', () => {
  it('become hexadecimal and text as Node’s own Buffer does it', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => void expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        (text) => void expect(fromUtf8(utf8(text))).toBe(Buffer.from(text).toString()),
      ),
    );
  });

  it('refuse malformed UTF-8', () => {
    expect(() => fromUtf8(Uint8Array.of(0xc3, 0x28))).toThrow(TypeError);
  });

  it('join in order', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (parts) => {
        expect(toHex(concatBytes(parts))).toBe(Buffer.concat(parts).toString('hex'));
      }),
    );
  });
});

describe('a digest', () => {
  it('is SHA-256 as the system’s own', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        (bytes) => void expect(digestOf(bytes)).toBe(createHash('sha256').update(bytes).digest('hex')),
      ),
    );
  });

  it('of JSON does not depend on the order of keys', () => {
    expect(digestOfJson({ b: [1, 2], a: 'x' })).toBe(digestOfJson({ a: 'x', b: [1, 2] }));
    expect(digestOfJson({ a: 1 })).not.toBe(digestOfJson({ a: 2 }));
  });
});

describe('canonical JSON', () => {
  it('is the example of RFC 8785, section 3.2.2', () => {
    const value = {
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\u0022\u002f',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('reads back as the same value', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        (value) => void expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value))),
      ),
    );
  });
});

describe('ids', () => {
  it('accept what their form allows', () => {
    expect(siteName('hospital-a')).toBe('hospital-a');
    expect(studyName('s')).toBe('s');
    expect(runId('run-0123456789')).toBe('run-0123456789');
    expect(digest('0'.repeat(64))).toBe('0'.repeat(64));
  });

  it.each(['', '-a', 'a-', 'A', 'a_b', 'a/b', '..', 'a'.repeat(64), 'café', 'a\n'])(
    'refuse %j as a site’s name',
    (text) => {
      expect(() => siteName(text)).toThrow(Fault);
    },
  );

  it.each(['0'.repeat(63), 'G'.repeat(64), `${'0'.repeat(64)}\n`])('refuse %j as a digest', (text) => {
    expect(() => digest(text)).toThrow(Fault);
  });
});
