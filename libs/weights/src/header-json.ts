import type { Fault } from '@consilium/stdx';
import { broken, type Rule } from './rules.js';

/** What a safetensors header can hold. Objects are maps in file order, so that `__proto__` and `0` are names like any other. */
export type HeaderValue = string | number | readonly HeaderValue[] | HeaderObject;
export type HeaderObject = ReadonlyMap<string, HeaderValue>;

/**
 * Reads the header's JSON (RFC 8259), refusing what `JSON.parse` would let pass: a key that stands twice, of which it
 * keeps the last, and numbers such as `1.0`, `1e3` or `-0`, which the format's own reader refuses as sizes.
 * Throws SAFETENSORS_MALFORMED with the position in characters.
 */
export function readHeaderJson(text: string): HeaderObject {
  const reader = new HeaderReader(text);
  const header = reader.object(0);
  reader.end();
  return header;
}

/** header → tensor → shape: no well-formed header goes deeper, so the reader's recursion is bounded. */
const DEPTH_MAX = 3;

const code = (character: string): number => character.charCodeAt(0);
const [QUOTE, BACKSLASH, COMMA, COLON] = [code('"'), code('\\'), code(','), code(':')];
const [LIST, LIST_END, OBJECT, OBJECT_END] = [code('['), code(']'), code('{'), code('}')];
const [ZERO, NINE] = [code('0'), code('9')];

/** A cursor over the text. It looks at character codes, because a header of many megabytes may be an attack on our time. */
class HeaderReader {
  #at = 0;

  constructor(private readonly text: string) {}

  object(depth: number): HeaderObject {
    if (!this.#take(OBJECT)) throw this.#refuse(depth === 0 ? 'headerBrace' : 'headerJson');
    const members = new Map<string, HeaderValue>();
    if (this.#take(OBJECT_END)) return members;
    do {
      const start = this.#at;
      const key = this.#string();
      if (members.has(key)) throw this.#refuse('uniqueKeys', start);
      this.#expect(COLON);
      members.set(key, this.#value(depth + 1));
    } while (this.#take(COMMA));
    this.#expect(OBJECT_END);
    return members;
  }

  /** Only white space is left, with which writers pad the header. */
  end(): void {
    this.#skipSpace();
    if (this.#at !== this.text.length) throw this.#refuse('headerTrailing');
  }

  #value(depth: number): HeaderValue {
    const next = this.text.charCodeAt(this.#at);
    if (next === QUOTE) return this.#string();
    if (next !== LIST && next !== OBJECT) return this.#whole();
    if (depth >= DEPTH_MAX) throw this.#refuse('headerNesting');
    return next === LIST ? this.#list(depth) : this.object(depth);
  }

  #list(depth: number): readonly HeaderValue[] {
    this.#expect(LIST);
    const items: HeaderValue[] = [];
    if (this.#take(LIST_END)) return items;
    do items.push(this.#value(depth + 1));
    while (this.#take(COMMA));
    this.#expect(LIST_END);
    return items;
  }

  /** A string is left to `JSON.parse` as soon as it has an escape; bare control characters are refused. */
  #string(): string {
    const { text } = this;
    const start = this.#at;
    if (text.charCodeAt(start) !== QUOTE) throw this.#refuse();
    let escaped = false;
    let at = start + 1;
    for (let next = text.charCodeAt(at); next !== QUOTE; next = text.charCodeAt(++at)) {
      // Past the end charCodeAt is NaN, which is not ≥ anything.
      if (!(next >= 0x20)) throw this.#refuse();
      if (next !== BACKSLASH) continue;
      escaped = true;
      at++;
    }
    this.#at = at + 1;
    if (!escaped) return text.slice(start + 1, at);
    try {
      return JSON.parse(text.slice(start, at + 1)) as string;
    } catch {
      // A wrong escape; the parser's own words would quote the name, so they end here.
      throw this.#refuse('headerJson', start);
    }
  }

  #whole(): number {
    const start = this.#at;
    let end = start;
    let whole = 0;
    for (let next = this.text.charCodeAt(end); next >= ZERO && next <= NINE; next = this.text.charCodeAt(++end)) {
      whole = whole * 10 + (next - ZERO);
    }
    const padded = end > start + 1 && this.text.charCodeAt(start) === ZERO;
    if (end === start || padded || !Number.isSafeInteger(whole)) throw this.#refuse();
    this.#at = end;
    return whole;
  }

  /** Takes the character if it comes next, and the white space around it. */
  #take(character: number): boolean {
    this.#skipSpace();
    if (this.text.charCodeAt(this.#at) !== character) return false;
    this.#at++;
    this.#skipSpace();
    return true;
  }

  #expect(character: number): void {
    if (!this.#take(character)) throw this.#refuse();
  }

  #skipSpace(): void {
    for (let next = this.text.charCodeAt(this.#at); isSpace(next); next = this.text.charCodeAt(++this.#at));
  }

  #refuse(rule: Rule = 'headerJson', at: number = this.#at): Fault {
    return broken(rule, { at });
  }
}

const isSpace = (character: number): boolean =>
  character === 0x20 || character === 0x0a || character === 0x0d || character === 0x09;
