import { Metadata, status } from '@grpc/grpc-js';
import { CATALOGUE, CODES, Fault } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromStatus, toStatus } from './index.js';

/** What arrives at the other side: only the number, the text and the metadata. */
const carried = (fault: Fault): object => {
  const { code, details, metadata } = toStatus(fault);
  const arrived = new Metadata();
  for (const [key, value] of Object.entries(metadata.toHttp2Headers())) arrived.set(key, String(value));
  return { code, details, metadata: arrived };
};

describe('a fault on its way to a site', () => {
  it.each(CODES)('keeps its code: %s', (code) => {
    expect(fromStatus(carried(new Fault(code))).code).toBe(code);
  });

  it('carries the catalogue’s status and sentence', () => {
    const { code, details } = toStatus(new Fault('UPDATE_CONFLICT'));
    expect(code).toBe(status.ALREADY_EXISTS);
    expect(details).toBe(CATALOGUE.UPDATE_CONFLICT.sentence);
  });

  it('carries numbers, truth values, ids, digests and field paths', () => {
    const facts = {
      expected: 14,
      came: 12.5,
      isLast: false,
      run: 'run-0123456789',
      path: 'rounds.minSites',
      sha256: 'ab'.repeat(32),
    };
    expect(fromStatus(carried(new Fault('WEIGHTS_MISMATCH', facts))).facts).toEqual(facts);
  });

  it.each(['Müller^Anna', '/srv/hospital/scan.dcm', 'two words', 'a\r\nb', '', 'x'.repeat(129), '{"a":1}'])(
    'leaves the text %j at home',
    (text) => {
      const sent = carried(new Fault('INTERNAL', { text, count: 3 }));
      expect(fromStatus(sent).facts).toEqual({ count: 3 });
    },
  );

  it('never carries its cause', () => {
    const { details, metadata } = toStatus(new Fault('INTERNAL', {}, new Error('swordfish')));
    expect(JSON.stringify([details, metadata.toJSON()])).not.toContain('swordfish');
  });

  it('has metadata of ASCII and of bounded length, whatever its facts', () => {
    const facts = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.double(), fc.boolean()), { maxKeys: 100 });
    fc.assert(
      fc.property(facts, (given) => {
        const text = JSON.stringify(toStatus(new Fault('INTERNAL', given)).metadata.toJSON());
        expect(text).toMatch(/^[\x20-\x7e]*$/);
        expect(text.length).toBeLessThan(5_000);
        expect(fromStatus(carried(new Fault('INTERNAL', given))).code).toBe('INTERNAL');
      }),
    );
  });
});

describe('a status that came', () => {
  it.each([
    [status.CANCELLED, 'CANCELLED'],
    [status.DEADLINE_EXCEEDED, 'TIMEOUT'],
    [status.UNAVAILABLE, 'UNAVAILABLE'],
    [status.RESOURCE_EXHAUSTED, 'OVERLOADED'],
    [status.UNIMPLEMENTED, 'PROTOCOL_VERSION_UNSUPPORTED'],
    [status.UNKNOWN, 'INTERNAL'],
    [status.DATA_LOSS, 'INTERNAL'],
  ])('from grpc-js itself, with number %d, is %s', (code, expected) => {
    expect(fromStatus({ code, details: 'text', metadata: new Metadata() }).code).toBe(expected);
  });

  it('with a code that this release does not know is judged by its number', () => {
    const metadata = new Metadata();
    metadata.set('consilium-code', 'MOON_PHASE_WRONG');
    expect(fromStatus({ code: status.UNAVAILABLE, metadata }).code).toBe('UNAVAILABLE');
  });

  it.each(['{', 'null', '7', '[1]', '{"a":{"b":1}}'])('with the malformed facts %s still has its code', (facts) => {
    const metadata = new Metadata();
    metadata.set('consilium-code', 'NOT_FOUND');
    metadata.set('consilium-facts', facts);
    expect(fromStatus({ code: status.NOT_FOUND, metadata }).code).toBe('NOT_FOUND');
  });

  it.each([undefined, null, 'text', 7, {}, { code: 'ECONNRESET' }, { code: 99 }, new Error('x')])(
    'is INTERNAL when it is no status at all: %s',
    (value) => {
      expect(fromStatus(value).code).toBe('INTERNAL');
    },
  );

  it('that is a Fault already stays the same', () => {
    const fault = new Fault('NOT_FOUND');
    expect(fromStatus(fault)).toBe(fault);
  });
});
