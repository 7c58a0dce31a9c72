import { describe, expect, it } from 'vitest';
import { Memo } from './memo.js';

describe('a memory of what was computed', () => {
  it('computes once for each key, and a failure too', async () => {
    const memo = new Memo(10);
    let computed = 0;
    for (let i = 0; i < 3; i++) {
      expect(await memo.once('a', async () => ++computed)).toBe(1);
      expect(memo.now('a', () => ++computed)).toBe(1);
      await expect(
        memo.once('b', () => {
          computed++;
          throw new Error('no');
        }),
      ).rejects.toThrow('no');
    }
    expect(computed).toBe(2);
  });

  it('remembers undefined as an answer', () => {
    const memo = new Memo(10);
    let computed = 0;
    for (let i = 0; i < 2; i++) memo.now('a', () => void computed++);
    expect(computed).toBe(1);
  });

  it('forgets what was not asked for longest', () => {
    const memo = new Memo(2);
    const computed: string[] = [];
    const ask = (key: string): string => memo.now(key, () => (computed.push(key), key));
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) expect(ask(key)).toBe(key);
    expect(computed).toEqual(['a', 'b', 'c', 'b']);
  });
});
