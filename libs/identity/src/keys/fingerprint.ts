import { sha256 } from '@noble/hashes/sha2.js';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { concatBytes, utf8 } from '@consilium/stdx';

const DOMAIN = utf8('consilium/fingerprint/v1');
const WORDS = 6;
const BITS_PER_WORD = 11;

/**
 * Six words to read to each other on the telephone: the first 66 bits of SHA-256(`consilium/fingerprint/v1` ‖ key), 11
 * bits a word, from the English list of BIP-39, whose words differ in their first four letters.
 *
 * Guarantee: whoever wants another key with a given fingerprint tries about 2⁶⁶ keys. It is no commitment to both keys
 * of a pair: someone who chooses two keys finds a collision after 2³³, which helps nobody against a key of another's.
 */
export function fingerprintWords(publicKey: Uint8Array): string {
  const hash = sha256(concatBytes([DOMAIN, publicKey]));
  const words: string[] = [];
  let bits = 0n;
  for (const byte of hash.subarray(0, 9)) bits = (bits << 8n) | BigInt(byte);
  bits >>= BigInt(9 * 8 - WORDS * BITS_PER_WORD);
  for (let word = WORDS - 1; word >= 0; word--) {
    words.push(wordlist[Number((bits >> BigInt(word * BITS_PER_WORD)) & 0x7ffn)]!);
  }
  return words.join(' ');
}
