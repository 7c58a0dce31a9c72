import { toHex } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { decodeKeyFile, encodeKeyFile, newSigningKey, publicKeyOfFile, signingKeyFrom } from '../index.js';
import { codeOf } from '../judge.fixture.js';

/** The key of RFC 8032, 7.1, test 1. */
const SECRET = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const key = signingKeyFrom(Uint8Array.from(Buffer.from(SECRET, 'hex')));
const PUBLIC = '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';
const PASSPHRASE = 'correct horse bättery';

/** Sealed by a Python program of its own (hashlib.scrypt, XChaCha20-Poly1305 written from the draft). */
const SEALED = {
  schema: 'consilium.key/1',
  public: PUBLIC,
  kdf: { name: 'scrypt', n: 32768, r: 8, p: 1, salt: 'AAECAwQFBgcICQoLDA0ODw==' },
  nonce: 'ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7',
  sealed: 'GOAtMIK3soq2u27sAockOr0OsxFpZwL9KlQFcPwSCU+nRFMb6GAEh4za7eybqHdH',
};
const open = (content: unknown, passphrase?: string) =>
  codeOf(() => decodeKeyFile(JSON.stringify(content), passphrase));

describe('a key file', () => {
  it('without a passphrase holds the key as it is', () => {
    const text = encodeKeyFile(key);
    expect(JSON.parse(text)).toEqual({ schema: 'consilium.key/1', public: PUBLIC, secret: expect.any(String) });
    expect(toHex(decodeKeyFile(text).exportSecret())).toBe(SECRET);
    expect(publicKeyOfFile(text)).toEqual({ publicKey: key.publicKey, sealed: false });
  });

  it('with a passphrase holds it sealed, so that only the passphrase opens it', () => {
    const [text, again] = [encodeKeyFile(key, PASSPHRASE), encodeKeyFile(key, PASSPHRASE)];
    expect(again).not.toBe(text);
    expect(text).not.toContain(Buffer.from(SECRET, 'hex').toString('base64'));
    expect(toHex(decodeKeyFile(text, PASSPHRASE).exportSecret())).toBe(SECRET);
    expect(codeOf(() => decodeKeyFile(text, 'correct horse battery'))).toBe('KEY_LOCKED');
    expect(codeOf(() => decodeKeyFile(text))).toBe('KEY_LOCKED');
    expect(publicKeyOfFile(text)).toEqual({ publicKey: key.publicKey, sealed: true });
  });

  it('is sealed byte for byte as another program seals with the same salt and nonce', () => {
    const counted = (length: number): Uint8Array =>
      Uint8Array.from({ length }, (_, i) => (length === 16 ? i : 100 + i));
    expect(JSON.parse(encodeKeyFile(key, PASSPHRASE, counted))).toEqual(SEALED);
  });

  it('that another program sealed opens, also with the letters in another encoding: a + ◌̈ is ä', () => {
    expect(PASSPHRASE.normalize('NFD')).not.toBe(PASSPHRASE);
    const opened = decodeKeyFile(JSON.stringify(SEALED), PASSPHRASE.normalize('NFD'));
    expect(toHex(opened.exportSecret())).toBe(SECRET);
  });

  it('is not sealed with an empty passphrase', () => {
    expect(codeOf(() => encodeKeyFile(key, ''))).toBe('REQUEST_INVALID');
  });

  it('may be laid out by an editor, and asks for no passphrase that it does not need', () => {
    expect(toHex(decodeKeyFile(JSON.stringify(JSON.parse(encodeKeyFile(key)), null, 2), 'any').exportSecret())).toBe(
      SECRET,
    );
  });
});

describe('a key file is refused', () => {
  it('with a damaged seal, salt or nonce, as with another passphrase', () => {
    for (const changed of [
      { ...SEALED, sealed: SEALED.sealed.replace('G', 'H') },
      { ...SEALED, nonce: SEALED.nonce.replace('Z', 'Y') },
      { ...SEALED, kdf: { ...SEALED.kdf, salt: SEALED.kdf.salt.replace('C', 'D') } },
    ]) {
      expect(open(changed, PASSPHRASE)).toBe('KEY_LOCKED');
    }
  });

  it('whose seal was put under another public key', () => {
    const other = JSON.parse(encodeKeyFile(newSigningKey())) as { public: string };
    expect(open({ ...SEALED, public: other.public }, PASSPHRASE)).toBe('KEY_LOCKED');
  });

  it('whose secret is not the public key’s', () => {
    const plain = JSON.parse(encodeKeyFile(key)) as object;
    const other = JSON.parse(encodeKeyFile(newSigningKey())) as { secret: string };
    expect(open({ ...plain, secret: other.secret })).toBe('KEY_INVALID');
  });

  it('that asks for more work than a key file may, or for less', () => {
    for (const more of [{ n: 2 ** 30 }, { n: 2 }, { r: 4096 }, { p: 0 }, { name: 'pbkdf2' }]) {
      expect(open({ ...SEALED, kdf: { ...SEALED.kdf, ...more } }, PASSPHRASE)).toBe('KEY_INVALID');
    }
  });

  it.each<[string, unknown]>([
    ['of another schema', { ...SEALED, schema: 'consilium.key/2' }],
    ['with a field too many', { ...SEALED, secret: 'AAAA' }],
    ['with half of the fields', { schema: SEALED.schema, public: PUBLIC }],
    ['with a short salt', { ...SEALED, kdf: { ...SEALED.kdf, salt: 'AAEC' } }],
    ['with a short nonce', { ...SEALED, nonce: 'AAEC' }],
    ['with a short public key', { ...SEALED, public: 'AAEC' }],
    ['with a short seal', { ...SEALED, sealed: 'AAEC' }],
    ['with base64 in another spelling', { ...SEALED, sealed: `${SEALED.sealed}\n` }],
    ['that is a list', []],
  ])('%s', (_, content) => {
    expect(open(content, PASSPHRASE)).toBe('KEY_INVALID');
  });

  it.each(['', 'garbage', '-----BEGIN PRIVATE KEY-----'])('that is %j', (text) => {
    expect(codeOf(() => decodeKeyFile(text))).toBe('KEY_INVALID');
    expect(codeOf(() => publicKeyOfFile(text))).toBe('KEY_INVALID');
  });
});
