import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prompt, type Input } from './prompt.js';

interface Typing {
  readonly prompt: Prompt;
  readonly shown: string[];
  /** Whether keys were echoed by the terminal, before and after each change. */
  readonly raw: boolean[];
}

function typing(chunks: readonly string[], isTTY = true): Typing {
  const [shown, raw]: [string[], boolean[]] = [[], []];
  const input: Input = {
    isTTY,
    setRawMode: (on) => raw.push(on),
    async *[Symbol.asyncIterator]() {
      yield* chunks;
    },
  };
  return { prompt: new Prompt(input, (text) => shown.push(text)), shown, raw };
}

describe('a question', () => {
  it('is answered by a line', async () => {
    const { prompt, shown, raw } = typing(['123456\n']);
    expect(await prompt.ask('Code: ', false)).toBe('123456');
    expect([shown, raw]).toEqual([['Code: '], []]);
  });

  it('that is secret is answered without being shown, and the terminal is given back', async () => {
    const { prompt, shown, raw } = typing(['se', 'cret\r']);
    expect(await prompt.ask('Password: ', true)).toBe('secret');
    expect([shown, raw]).toEqual([
      ['Password: ', '\n'],
      [true, false],
    ]);
  });

  it('that is secret is asked only once the terminal shows nothing any more', async () => {
    const order: string[] = [];
    const input: Input = {
      isTTY: true,
      setRawMode: (on) => order.push(on ? 'hidden' : 'shown'),
      async *[Symbol.asyncIterator]() {
        yield 'secret\r';
      },
    };
    await new Prompt(input, (text) => order.push(text)).ask('Password: ', true);
    expect(order).toEqual(['hidden', 'Password: ', 'shown', '\n']);
  });

  it('of several is answered by its own line, however the lines arrive', async () => {
    const lines = fc.array(fc.stringMatching(/^[^\u0000-\u001f\u007f]{0,20}$/), { minLength: 1, maxLength: 5 });
    const cuts = fc.array(fc.nat(100), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(lines, cuts, fc.constantFrom('\n', '\r\n'), async (answers, at, end) => {
        const letters = [...answers.map((answer) => `${answer}${end}`).join('')];
        const chunks: string[] = [];
        let from = 0;
        // A line's end of two letters comes in one piece, as pipes and terminals send it.
        for (const cut of [...at].sort((a, b) => a - b)) {
          const to = letters[cut - 1] === '\r' ? cut + 1 : cut;
          if (to > from) chunks.push(letters.slice(from, to).join(''));
          from = Math.max(from, to);
        }
        chunks.push(letters.slice(from).join(''));
        const { prompt } = typing(chunks, false);
        for (const answer of answers) expect(await prompt.ask('?', true)).toBe(answer);
      }),
    );
  });

  it('knows the backspace while the terminal does not', async () => {
    const { prompt } = typing(['pö\u007fass\b\b\u007f\u007f\u007fword\r']);
    expect(await prompt.ask('?', true)).toBe('word');
  });

  it.each([
    ['Ctrl-C', 'half\u0003'],
    ['Ctrl-D', 'half\u0004'],
    ['the end of the input', 'half'],
  ])('is given up at %s, and the terminal is given back', async (_, typed) => {
    const { prompt, raw } = typing([typed]);
    await expect(prompt.ask('?', true)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(raw).toEqual([true, false]);
  });

  it('is not answered by a book', async () => {
    const { prompt } = typing(['x'.repeat(5_000)], false);
    await expect(prompt.ask('?', false)).rejects.toMatchObject({ code: 'USAGE' });
  });
});
