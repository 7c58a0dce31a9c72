import { createHash } from 'node:crypto';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintWords } from '../index.js';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

describe('the fingerprint of a key', () => {
  // Computed by Python's hashlib with the list of BIP-39.
  it.each([
    ['00'.repeat(32), 'toy awful photo boost piece attitude'],
    ['000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'vessel pilot add tape nothing monster'],
    ['ff'.repeat(32), 'knee behind meat admit poverty level'],
    ['d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'audit table admit decorate regular bench'],
  ])('of %s is %s', (key, words) => {
    expect(fingerprintWords(hex(key))).toBe(words);
  });

  it('is six words of the list, 66 bits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        const words = fingerprintWords(key).split(' ');
        expect(words).toHaveLength(6);
        const bits = words.map((word) => wordlist.indexOf(word).toString(2).padStart(11, '0')).join('');
        const hash = createHash('sha256').update('consilium/fingerprint/v1').update(key).digest();
        const expected = [...hash.subarray(0, 9)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
        expect(bits).toBe(expected.slice(0, 66));
      }),
    );
  });

  it('draws on the list of BIP-39, whose words four letters tell apart', () => {
    // SHA-256 of bip-0039/english.txt as the BIP's repository has it.
    const digest = createHash('sha256')
      .update(`${wordlist.join('\n')}\n`)
      .digest('hex');
    expect(digest).toBe('2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda');
    expect(new Set(wordlist.map((word) => word.slice(0, 4))).size).toBe(2048);
  });

  it('changes with any bit of the key', () => {
    const key = new Uint8Array(32);
    const seen = new Set([fingerprintWords(key)]);
    for (let bit = 0; bit < 256; bit++) {
      const changed = key.slice();
      changed[bit >> 3] = 1 << (bit & 7);
      seen.add(fingerprintWords(changed));
    }
    expect(seen.size).toBe(257);
  });
});
