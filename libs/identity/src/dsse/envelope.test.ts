import { canonicalJson, concatBytes, digestOf, fromUtf8, toHex, utf8 } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as lawful from '../documents/documents.fixture.js';
import {
  addSignature,
  claimedSigners,
  encodeBase64,
  keyId,
  openEnvelope,
  signEnvelope,
  signingKeyFrom,
  type RequiredSigners,
  type SignedType,
} from '../index.js';
import { codeOf, flips } from '../judge.fixture.js';
import { signedBytes } from './frame.js';

const [one, two, three] = [lawful.keyOf(1), lawful.keyOf(2), lawful.keyOf(3)];
const collect = lawful.collect();
const bytes = signEnvelope('collect', collect, [one]);

const judge = (
  envelope: Uint8Array,
  required: RequiredSigners = { all: [one.publicKey] },
  type: SignedType = 'collect',
) => codeOf(() => openEnvelope(envelope, type, required));
const keys = (...of: readonly { publicKey: Uint8Array }[]): Uint8Array[] => of.map(({ publicKey }) => publicKey);

/** Made by Python's json, hashlib and base64, and signed by OpenSSL with the key of RFC 8032, 7.1, test 1. */
const GOLDEN =
  '{"payload":"eyJhdE1zIjoxNzcyMzY2NDAwMDAwLCJmZWRlcmF0aW9uIjoiZGVtbyIsIm5vbmNlIjoiMDAxMTIyMzM0NDU1NjY3Nzg4OTlhYWJiY2NkZGVlZmYiLCJzY2hlbWEiOiJjb25zaWxpdW0uY29sbGVjdC8xIiwic2l0ZSI6ImJlcmxpbiJ9","payloadType":"application/vnd.consilium.collect+json","signatures":[{"keyid":"21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9","sig":"ccU7Tq/CtZzZBJTs9tos26d9U7RZJQGfvSzpPIwMh1/Qw1q/IU5NqBC/d7juZbRQcFDoCj8aPMigSj+Y6zdlCg=="}]}';

describe('an envelope', () => {
  it('is the one that another program makes of the same document and key', () => {
    const secret = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
    const key = signingKeyFrom(Uint8Array.from(secret));
    const made = signEnvelope('collect', collect, [key]);
    expect(fromUtf8(made)).toBe(GOLDEN);
    expect(digestOf(made)).toBe('f8d34aca581a7699ed95a9155fbd9387413f41f8ecc152bcf6882acb4f07099e');
    expect(openEnvelope(utf8(GOLDEN), 'collect', { all: keys(key) }).payload).toEqual(collect);
  });

  it('signs DSSE’s pre-authentication encoding', () => {
    const message = signedBytes({ type: 'collect', payloadBytes: utf8('über') });
    expect(fromUtf8(message)).toBe('DSSEv1 38 application/vnd.consilium.collect+json 5 über');
  });

  it.each([
    ['study', lawful.studyDocument()],
    ['approval', lawful.approval()],
    ['update', lawful.update()],
    ['renew', lawful.renew()],
    ['plan', { schema: 'consilium.plan/1', sites: ['a', 'b'], seed: 1 }],
  ] as const)('gives back the %s that was signed', (type, document) => {
    const envelope = signEnvelope<SignedType>(type, document, [one, two]);
    const opened = openEnvelope(envelope, type, { all: keys(one, two) });
    expect(opened.payload).toEqual(document);
    expect(fromUtf8(opened.payloadBytes)).toBe(canonicalJson(document));
    expect(opened.signers.map(toHex).sort()).toEqual(keys(one, two).map(toHex).sort());
  });

  it('is the same whoever signs first', () => {
    const there = signEnvelope('collect', collect, [one, two, three]);
    expect(signEnvelope('collect', collect, [three, one, two])).toEqual(there);
    const later = addSignature(addSignature(signEnvelope('collect', collect, [two]), 'collect', three), 'collect', one);
    expect(later).toEqual(there);
    expect(addSignature(later, 'collect', two)).toEqual(there);
    expect([...claimedSigners(there, 'collect')]).toEqual(keys(one, two, three).map(keyId).sort());
  });

  it('is made only of a document that its schema promises', () => {
    const wrong = { ...collect, atMs: -1 };
    expect(codeOf(() => signEnvelope('collect', wrong, [one]))).toBe('ENVELOPE_INVALID');
    expect(codeOf(() => signEnvelope('collect', { ...collect, note: '' } as never, [one]))).toBe('ENVELOPE_INVALID');
  });
});

describe('whose signatures are required', () => {
  const both = signEnvelope('collect', collect, [one, two]);

  it.each<[string, RequiredSigners, string]>([
    ['all of those that signed', { all: keys(one, two) }, 'accepted'],
    ['one of those that may', { any: keys(one, two, three) }, 'accepted'],
    ['one that must and one that may', { all: keys(two), any: keys(one, three) }, 'accepted'],
    ['one more than signed', { all: keys(one, two, three) }, 'SIGNATURE_MISSING'],
    ['one of somebody else besides', { all: keys(one, two), any: keys(three) }, 'SIGNATURE_MISSING'],
    ['one of nobody besides', { all: keys(one, two), any: [] }, 'SIGNATURE_MISSING'],
    ['only one of the two: the other is a stranger', { all: keys(one) }, 'SIGNATURE_INVALID'],
    ['nobody', { all: [] }, 'SIGNATURE_INVALID'],
    ['one of nobody', { any: [] }, 'SIGNATURE_INVALID'],
  ])('%s', (_, required, code) => {
    expect(judge(both, required)).toBe(code);
  });

  it('is told for those who signed, and not for those who might have', () => {
    const { signers } = openEnvelope(bytes, 'collect', { any: keys(one, two, three) });
    expect(signers).toEqual(keys(one));
  });
});

describe('an envelope is refused', () => {
  it('as another type of document, whose signature it does not carry', () => {
    expect(judge(bytes, undefined, 'renew')).toBe('ENVELOPE_INVALID');
    const renamed = utf8(fromUtf8(bytes).replace('consilium.collect+', 'consilium.renew+'));
    expect(judge(renamed, undefined, 'renew')).toBe('SIGNATURE_INVALID');
  });

  it('with a bit changed, wherever it is', () => {
    const codes = new Set([...flips(bytes, 7)].map((changed) => judge(changed)));
    expect([...codes].sort()).toEqual(['ENVELOPE_INVALID', 'SIGNATURE_INVALID']);
  });

  it('cut off anywhere', () => {
    for (let length = 0; length < bytes.byteLength; length++) {
      expect(judge(bytes.subarray(0, length))).toBe('ENVELOPE_INVALID');
    }
  });

  const text = fromUtf8(bytes);
  const payload = fromUtf8(openEnvelope(bytes, 'collect', { all: keys(one) }).payloadBytes);
  const parsed = JSON.parse(text) as {
    payload: string;
    payloadType: string;
    signatures: { keyid: string; sig: string }[];
  };
  const [signature] = parsed.signatures;
  const canonical = (change: object): string => canonicalJson({ ...parsed, ...change });

  it.each<[string, string]>([
    ['white space', text.replace(',', ', ')],
    ['a line end after it', `${text}\n`],
    ['a byte order mark before it, which decoders drop', `\uFEFF${text}`],
    ['its keys in another order', JSON.stringify(Object.fromEntries(Object.entries(parsed).reverse()))],
    ['a letter escaped', text.replace('"payload"', '"\\u0070ayload"')],
    ['a key twice, of which parsers take the last', text.replace('{', '{"payload":"",')],
    ['a field too many', canonical({ note: '' })],
    ['a field too few', canonical({ payloadType: undefined })],
    ['no signature', canonical({ signatures: [] })],
    ['a signature twice', canonical({ signatures: [signature, signature] })],
    ['an unknown field in a signature', canonical({ signatures: [{ ...signature, x: 1 }] })],
    ['a key id in capitals', canonical({ signatures: [{ ...signature, keyid: signature!.keyid.toUpperCase() }] })],
    ['base64url', canonical({ payload: parsed.payload.replace(/.$/, '-') })],
    ['base64 without padding', canonical({ signatures: [{ ...signature, sig: signature!.sig.slice(0, -2) }] })],
    ['dirty trailing bits', canonical({ signatures: [{ ...signature, sig: signature!.sig.replace(/.==$/, 'B==') }] })],
    ['a signature of no bytes', canonical({ signatures: [{ ...signature, sig: '' }] })],
    ['half of a surrogate pair', text.replace('"payload"', '"\\ud800"')],
    ['a prototype', text.replace('{', '{"__proto__":{},')],
    ['depth without end', '['.repeat(200_000)],
    ['another value', 'null'],
  ])('with %s', (_, other) => {
    expect(other).not.toBe(text);
    expect(judge(utf8(other))).toBe('ENVELOPE_INVALID');
  });

  it('with bytes that are no UTF-8, or more of them than any document has', () => {
    expect(judge(concatBytes([bytes, Uint8Array.of(0xff)]))).toBe('ENVELOPE_INVALID');
    expect(judge(new Uint8Array(1024 * 1024 + 1).fill(0x20))).toBe('ENVELOPE_INVALID');
  });

  it('whose signatures stand in another order', () => {
    const envelope = JSON.parse(fromUtf8(signEnvelope('collect', collect, [one, two]))) as typeof parsed;
    const swapped = canonicalJson({ ...envelope, signatures: [...envelope.signatures].reverse() });
    expect(judge(utf8(swapped), { all: keys(one, two) })).toBe('ENVELOPE_INVALID');
  });

  it('with the right key’s id over another’s signature, and the other way round', () => {
    const other = JSON.parse(fromUtf8(signEnvelope('collect', collect, [two]))) as typeof parsed;
    const stolen = { keyid: signature!.keyid, sig: other.signatures[0]!.sig };
    expect(judge(utf8(canonical({ signatures: [stolen] })))).toBe('SIGNATURE_INVALID');
    const renamed = { keyid: keyId(two.publicKey), sig: signature!.sig };
    expect(judge(utf8(canonical({ signatures: [renamed] })), { any: keys(one, two) })).toBe('SIGNATURE_INVALID');
  });

  /** An envelope around whatever somebody signed who keeps to no schema. */
  const signedAnyhow = (content: string): Uint8Array => {
    const sig = encodeBase64(one.sign(signedBytes({ type: 'collect', payloadBytes: utf8(content) })));
    const signatures = [{ keyid: keyId(one.publicKey), sig }];
    return utf8(canonicalJson({ payload: encodeBase64(utf8(content)), payloadType: parsed.payloadType, signatures }));
  };

  it.each<[string, string]>([
    ['is not canonical', payload.replace(',', ', ')],
    ['has a byte order mark', `\uFEFF${payload}`],
    ['has a field too many', payload.replace('{', '{"aaa":1,')],
    ['has a prototype', payload.replace('{', '{"__proto__":{},')],
    ['is of another schema', payload.replace('collect/1', 'collect/2')],
    ['is not JSON', 'collect'],
  ])('whose payload %s, though its signature fits', (_, content) => {
    expect(judge(signedAnyhow(payload))).toBe('accepted');
    expect(judge(signedAnyhow(content))).toBe('ENVELOPE_INVALID');
  });
});

describe('reading whatever comes', () => {
  it('ends in a document or a refusal of ours', () => {
    const junk = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(utf8));
    fc.assert(
      fc.property(junk, (some) => {
        expect(judge(some)).toBe('ENVELOPE_INVALID');
      }),
    );
  });
});
