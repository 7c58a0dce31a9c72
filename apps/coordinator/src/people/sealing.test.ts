import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sealing } from './sealing.js';

const sealing = new Sealing(randomBytes(32));

describe('a sealed secret', () => {
  it('is opened by its key for its owner', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.string(), (secret, owner) => {
        expect([...sealing.open(sealing.seal(secret, owner), owner)]).toEqual([...secret]);
      }),
    );
  });

  it('never has the same form twice, and does not show what it is', () => {
    const secret = Buffer.from('twenty bytes of text');
    const [a, b] = [sealing.seal(secret, 'p'), sealing.seal(secret, 'p')];
    expect(a).not.toBe(b);
    expect(Buffer.from(a, 'base64').includes(secret)).toBe(false);
  });

  it('is refused under another key, for another owner, and with any bit flipped', () => {
    const text = sealing.seal(randomBytes(20), 'p');
    const refused = (open: () => unknown): void =>
      expect(open).toThrow(expect.objectContaining({ code: 'STATE_UNREADABLE' }) as Error);
    refused(() => new Sealing(randomBytes(32)).open(text, 'p'));
    refused(() => sealing.open(text, 'q'));
    const bytes = Buffer.from(text, 'base64');
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      refused(() => sealing.open(changed.toString('base64'), 'p'));
    }
    for (const cut of ['', text.slice(0, 8), bytes.subarray(0, -1).toString('base64')])
      refused(() => sealing.open(cut, 'p'));
  });
});
