import { describe, expect, it } from 'vitest';
import { CATALOGUE, CODES, isCode } from './catalogue.js';

/** The canonical status codes of gRPC (github.com/grpc/grpc/blob/master/doc/statuscodes.md), without OK. */
const GRPC = [
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

describe('the error catalogue', () => {
  it.each(CODES)('%s has a gRPC status, an HTTP error status and one public sentence', (code) => {
    const { grpc, http, sentence } = CATALOGUE[code];
    expect(GRPC).toContain(grpc);
    expect(http).toBeGreaterThanOrEqual(400);
    expect(http).toBeLessThan(600);
    expect(sentence).toMatch(/^[A-Z].*\.$/);
  });

  it('codes are upper-case words', () => {
    for (const code of CODES) expect(code).toMatch(/^[A-Z]+(?:_[A-Z]+)*$/);
  });

  it('every sentence belongs to one code', () => {
    const sentences = CODES.map((code) => CATALOGUE[code].sentence);
    expect(new Set(sentences).size).toBe(sentences.length);
  });

  it('knows its own codes and no others, not even inherited names', () => {
    expect(isCode('TIMEOUT')).toBe(true);
    expect(isCode('toString')).toBe(false);
    expect(isCode('__proto__')).toBe(false);
    expect(isCode('')).toBe(false);
  });
});
