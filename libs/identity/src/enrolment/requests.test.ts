import { describe, expect, it } from 'vitest';
import * as lawful from '../documents/documents.fixture.js';
import { encodeBase64, keyId, openEnvelope, openJoin, openRekey, claimedSigners, signEnvelope } from '../index.js';
import { codeOf } from '../judge.fixture.js';

const { keyOf } = lawful;
/** The key that `join()` names, the enrolled one, the one that `rekey()` names, and a stranger's. */
const [joining, enrolled, next, stranger] = [keyOf(3), keyOf(3), keyOf(6), keyOf(9)];

describe('a request to join', () => {
  it('is signed with the key that it names', () => {
    expect(openJoin(signEnvelope('join', lawful.join(), [joining]))).toEqual(lawful.join());
  });

  it('is refused with another’s signature, in its place or beside it', () => {
    const judge = (...keys: ReturnType<typeof keyOf>[]) =>
      codeOf(() => openJoin(signEnvelope('join', lawful.join(), keys)));
    expect(judge(joining)).toBe('accepted');
    expect(judge(stranger)).toBe('SIGNATURE_INVALID');
    expect(judge(joining, stranger)).toBe('SIGNATURE_INVALID');
  });

  it('is refused for a key that anybody could sign with', () => {
    const neutral = new Uint8Array(32);
    neutral[0] = 1;
    const document = { ...lawful.join(), signing: encodeBase64(neutral) };
    expect(codeOf(() => openJoin(signEnvelope('join', document, [joining])))).toBe('KEY_INVALID');
  });
});

describe('a request for another signing key', () => {
  const judge = (keys: ReturnType<typeof keyOf>[], known = enrolled) =>
    codeOf(() => openRekey(signEnvelope('rekey', lawful.rekey(), keys), known.publicKey));

  it('is signed with the enrolled key and the new one', () => {
    expect(judge([enrolled, next])).toBe('accepted');
    expect(openRekey(signEnvelope('rekey', lawful.rekey(), [next, enrolled]), enrolled.publicKey)).toEqual(
      lawful.rekey(),
    );
  });

  it('is refused with one of the two alone, or with a stranger’s beside them', () => {
    expect(judge([enrolled])).toBe('SIGNATURE_MISSING');
    expect(judge([next])).toBe('SIGNATURE_MISSING');
    expect(judge([enrolled, next, stranger])).toBe('SIGNATURE_INVALID');
    expect(judge([next, stranger])).toBe('SIGNATURE_INVALID');
  });

  it('is refused when the new key is the old one’s owner’s only by its own word', () => {
    expect(judge([next], next)).toBe('accepted');
    expect(judge([next], enrolled)).toBe('SIGNATURE_MISSING');
  });
});

describe('a request by an enrolled site', () => {
  it('says whose key to look up, and is opened with the key that was found', () => {
    const bytes = signEnvelope('renew', lawful.renew(), [enrolled]);
    expect(claimedSigners(bytes, 'renew')).toEqual([keyId(enrolled.publicKey)]);
    const { payload } = openEnvelope(bytes, 'renew', { all: [enrolled.publicKey] });
    expect(payload).toEqual(lawful.renew());
  });

  it('is no other request: who may collect may not renew', () => {
    const bytes = signEnvelope('collect', lawful.collect(), [enrolled]);
    expect(codeOf(() => openEnvelope(bytes, 'renew', { all: [enrolled.publicKey] }))).toBe('ENVELOPE_INVALID');
    expect(codeOf(() => openJoin(bytes))).toBe('ENVELOPE_INVALID');
    expect(codeOf(() => openRekey(bytes, enrolled.publicKey))).toBe('ENVELOPE_INVALID');
  });
});
