import { Fault, utf8, verifyEd25519 } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64 } from './base64.js';
import { claims, mergeSignatures, noteText, parseNote } from './note.js';
import {
  COSIGNATURE,
  encodeVerifierKey,
  isKeyName,
  LOG_SIGNATURE,
  parseVerifierKey,
  verifierKey,
} from './verifier-key.js';
import { HUB, HUB_KEY } from './log.fixture.js';

/** From the C2SP signed-note specification and Go's golang.org/x/mod/sumdb/note, whose key and message these are. */
const EXAMPLE_KEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const EXAMPLE =
  'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';

const codeOf = (call: () => unknown): unknown => {
  try {
    call();
    return 'accepted';
  } catch (error) {
    return Fault.is(error) ? error.code : error;
  }
};

describe('the example of C2SP signed-note', () => {
  it('is signed by the key that it names', () => {
    const { text, signatures } = parseNote(EXAMPLE);
    const key = parseVerifierKey(EXAMPLE_KEY);
    expect(text).toBe('This is an example message.\n');
    expect(signatures.filter((signature) => claims(signature, key))).toHaveLength(1);
    expect(verifyEd25519(key.publicKey, utf8(text), signatures[0]!.signature)).toBe(true);
  });

  it('has a key that is written as it was read', () => {
    expect(encodeVerifierKey(parseVerifierKey(EXAMPLE_KEY))).toBe(EXAMPLE_KEY);
  });

  it('is not signed any more when any bit of text or signature has changed', () => {
    const key = parseVerifierKey(EXAMPLE_KEY);
    const { text, signatures } = parseNote(EXAMPLE);
    const { signature } = signatures[0]!;
    fc.assert(
      fc.property(fc.nat(), fc.nat(7), fc.boolean(), (where, bit, inText) => {
        const [message, proof] = [utf8(text), signature.slice()];
        const target = inText ? message : proof;
        target[where % target.byteLength]! ^= 1 << bit;
        expect(verifyEd25519(key.publicKey, message, proof)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('shows a poem with empty lines, whose text ends before the last of them', () => {
    // The specification's first example.
    const poem =
      'Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n';
    const { text, signatures } = parseNote(poem);
    expect(text.endsWith('ed è subito sera.\n')).toBe(true);
    expect(text.includes('\n\n')).toBe(true);
    expect(signatures[0]!.name).toBe('quasimodo.example/salvatore');
    expect(signatures[0]!.signature).toHaveLength(64);
  });
});

describe('the one spelling of a note', () => {
  const line = EXAMPLE.split('\n')[2]!;
  const base64 = line.split(' ')[2]!;
  // The last letter before the padding carries two bits that no byte has.
  const dirty = base64.replace(/M=$/, 'N=');

  it.each([
    ['a line that ends in spaces', EXAMPLE.replace(/\n$/, ' \n')],
    ['no line feed at the end', EXAMPLE.slice(0, -1)],
    ['an empty line at the end', `${EXAMPLE}\n`],
    ['no empty line', EXAMPLE.replace('\n\n', '\n')],
    ['no signature', 'This is an example message.\n\n'],
    ['a carriage return', EXAMPLE.replace('.\n', '.\r\n')],
    ['a tab', EXAMPLE.replace('an example', 'an\texample')],
    ['a hyphen for the dash', EXAMPLE.replace('—', '-')],
    ['two spaces', EXAMPLE.replace('— ', '—  ')],
    ['a plus in the name', EXAMPLE.replace('example.com/foo', 'example.com+foo')],
    ['a space of another kind in the name', EXAMPLE.replace('com/foo', 'com\u2003foo')],
    ['no name', EXAMPLE.replace('example.com/foo ', ' ')],
    ['no padding', EXAMPLE.replace('yaQM=', 'yaQM')],
    ['bits behind the last byte', EXAMPLE.replace(base64, dirty)],
    ['a signature of nothing but the key id', EXAMPLE.replace(base64, encodeBase64(Uint8Array.of(1, 2, 3, 4)))],
    ['a comment behind the signature', EXAMPLE.replace('yaQM=', 'yaQM= x')],
    ['one key twice', `${EXAMPLE}${line}\n`],
    ['far too many signatures', `x\n\n${`${line}\n`.repeat(1025)}`],
    ['far too much text', `${'x'.repeat(262_144)}\n\n${line}\n`],
  ])('has not %s', (_, note) => {
    expect(codeOf(() => parseNote(note))).toBe('LEDGER_NOTE_INVALID');
    expect(codeOf(() => parseNote(EXAMPLE))).toBe('accepted');
  });

  it('is UTF-8 without a byte order mark', () => {
    expect(noteText(utf8(EXAMPLE))).toBe(EXAMPLE);
    expect(codeOf(() => noteText(utf8(`\ufeff${EXAMPLE}`)))).toBe('LEDGER_NOTE_INVALID');
    expect(codeOf(() => noteText(Uint8Array.of(0xff, 0xfe)))).toBe('LEDGER_NOTE_INVALID');
    expect(codeOf(() => noteText(Uint8Array.of(0xc0, 0xaf)))).toBe('LEDGER_NOTE_INVALID');
  });
});

describe('merging signatures', () => {
  const other = (name: string, byte: number): string => `— ${name} ${encodeBase64(new Uint8Array(68).fill(byte))}`;

  it('appends lines of other keys below and keeps the text', () => {
    const merged = mergeSignatures(EXAMPLE, [other('b', 1), other('a', 2)]);
    expect(merged).toBe(`${EXAMPLE}${other('b', 1)}\n${other('a', 2)}\n`);
    expect(parseNote(merged).signatures).toHaveLength(3);
  });

  it('replaces the older line of the same key and none of another key of that name', () => {
    const [first, second] = [other('b', 1), `— b ${encodeBase64(Uint8Array.from([1, 1, 1, 1, ...Array(64).fill(9)]))}`];
    const merged = mergeSignatures(mergeSignatures(EXAMPLE, [first]), [second, other('b', 2)]);
    expect(merged).toBe(`${EXAMPLE}${second}\n${other('b', 2)}\n`);
  });

  it('takes whole lines only', () => {
    for (const line of ['', 'b', `${other('b', 1)}\n`, `x\n${other('b', 1)}`])
      expect(codeOf(() => mergeSignatures(EXAMPLE, [line]))).toBe('LEDGER_NOTE_INVALID');
  });
});

describe('keys in notes', () => {
  const text = encodeVerifierKey(HUB_KEY);

  it('are written as name, id and key, for a log or for a witness', () => {
    expect(parseVerifierKey(text)).toEqual(HUB_KEY);
    const witness = verifierKey('lung/site/bonn', COSIGNATURE, HUB.publicKey);
    expect(parseVerifierKey(encodeVerifierKey(witness))).toEqual(witness);
    expect(encodeVerifierKey(witness).split('+')[1]).not.toBe(text.split('+')[1]);
  });

  it('may hold a plus in their base64, though not in their name', () => {
    const key = verifierKey('x', LOG_SIGNATURE, new Uint8Array(32).fill(0xfb));
    expect(encodeVerifierKey(key).split('+').length).toBeGreaterThan(3);
    expect(parseVerifierKey(encodeVerifierKey(key))).toEqual(key);
  });

  it.each([
    ['nothing', ''],
    ['a name only', 'lung'],
    ['no key', 'lung+00000000+'],
    ['another id', text.replace(/\+[0-9a-f]{8}\+/, '+00000000+')],
    ['an id in capitals', text.replace(/\+([0-9a-f]{8})\+/, (id) => id.toUpperCase())],
    ['another name', `x${text}`],
    ['a name with a space', `a b${text.slice(text.indexOf('+'))}`],
    ['a type that nobody uses here', `x+00000000+${encodeBase64(new Uint8Array(33).fill(2))}`],
    ['a short key', `x+00000000+${encodeBase64(Uint8Array.of(1, 2, 3))}`],
    ['a key that is not base64', 'x+00000000+!!!!'],
  ])('are not %s', (_, wrong) => {
    expect(codeOf(() => parseVerifierKey(wrong))).toBe('LEDGER_NOTE_INVALID');
  });

  it('have names without spaces, pluses and control characters', () => {
    for (const name of ['lung/site/bonn', 'example.com/foo', 'é']) expect(isKeyName(name)).toBe(true);
    for (const name of ['', 'a b', 'a+b', 'a\u00a0b', 'a\u2028b', 'a\nb', 'a\u0085b', '\ud800', 'x'.repeat(201)])
      expect(isKeyName(name)).toBe(false);
  });

  it('sign by the strict rules: no key of small order, no key off the curve, no signature of another length', () => {
    const message = utf8('any');
    const identity = Uint8Array.from([1, ...new Uint8Array(31)]);
    // With the neutral point as key and as R, S = 0 verifies any message under the loose rules of ZIP 215.
    const forged = Uint8Array.from([...identity, ...new Uint8Array(32)]);
    expect(verifyEd25519(identity, message, forged)).toBe(false);
    expect(verifyEd25519(new Uint8Array(32).fill(0xff), message, forged)).toBe(false);
    expect(verifyEd25519(HUB.publicKey, message, HUB.sign(message).slice(0, 63))).toBe(false);
    expect(verifyEd25519(HUB.publicKey, message, HUB.sign(message))).toBe(true);
  });
});
