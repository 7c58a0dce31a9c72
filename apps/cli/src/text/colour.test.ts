import { describe, expect, it } from 'vitest';
import { paintFor, wantsColour } from './colour.js';

describe('colours', () => {
  it('are used on a terminal and not in a pipe', () => {
    expect(wantsColour({}, true)).toBe(true);
    expect(wantsColour({}, false)).toBe(false);
  });

  it('are off with NO_COLOR whatever else is set (no-color.org)', () => {
    expect(wantsColour({ NO_COLOR: '1' }, true)).toBe(false);
    expect(wantsColour({ NO_COLOR: '1', FORCE_COLOR: '1' }, true)).toBe(false);
  });

  it('stay on with an empty NO_COLOR, as no-color.org says', () => {
    expect(wantsColour({ NO_COLOR: '' }, true)).toBe(true);
  });

  it('are on in a pipe with FORCE_COLOR, and off with FORCE_COLOR=0', () => {
    expect(wantsColour({ FORCE_COLOR: '1' }, false)).toBe(true);
    expect(wantsColour({ FORCE_COLOR: '0' }, true)).toBe(false);
  });

  it('are off on a dumb terminal', () => {
    expect(wantsColour({ TERM: 'dumb' }, true)).toBe(false);
  });
});

describe('paint', () => {
  it('wraps a text in the codes of ECMA-48 and closes them', () => {
    const paint = paintFor(true);
    expect(paint.bold('x')).toBe('\u001b[1mx\u001b[22m');
    expect(paint.green('x')).toBe('\u001b[32mx\u001b[39m');
  });

  it('nests, since each colour closes only itself', () => {
    const paint = paintFor(true);
    expect(paint.bold(paint.red('x'))).toBe('\u001b[1m\u001b[31mx\u001b[39m\u001b[22m');
  });

  it('writes nothing for an empty text', () => {
    expect(paintFor(true).cyan('')).toBe('');
  });

  it('leaves every text as it is when colours are off', () => {
    const paint = paintFor(false);
    for (const apply of Object.values(paint)) expect(apply('x')).toBe('x');
  });
});
