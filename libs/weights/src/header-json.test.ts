import { Fault } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHeaderJson, type HeaderValue } from './header-json.js';
import { RULES, type Rule } from './rules.js';

/** Maps back to objects, to compare with JSON.parse; only for texts whose keys objects can hold. */
const plain = (value: HeaderValue): unknown => {
  if (value instanceof Map) {
    return Object.fromEntries(
      [...(value as ReadonlyMap<string, HeaderValue>)].map(([key, item]) => [key, plain(item)]),
    );
  }
  return Array.isArray(value) ? value.map(plain) : value;
};

const refusal = (text: string): unknown => {
  try {
    readHeaderJson(text);
  } catch (error) {
    return Fault.is(error, 'SAFETENSORS_MALFORMED') ? error.facts.rule : error;
  }
  return 'read';
};

const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.maxSafeNat());
const level = (below: fc.Arbitrary<unknown>) =>
  fc.oneof(
    leaf,
    fc.array(below, { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'binary' }), below, { maxKeys: 4 }),
  );
const headers = fc.dictionary(fc.string({ unit: 'binary' }), level(level(leaf)), { maxKeys: 5 });

describe('the header’s JSON', () => {
  it('is read as JSON.parse reads it, compact or spaced', () => {
    fc.assert(
      fc.property(headers, fc.constantFrom(undefined, 1, '\t'), (header, space) => {
        const text = JSON.stringify(header, undefined, space);
        expect(plain(readHeaderJson(text))).toEqual(JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });

  it('is never more generous than JSON.parse, whatever is cut out of it or put in', () => {
    const damage = fc.tuple(headers, fc.nat(), fc.nat({ max: 3 }), fc.string({ unit: 'binary-ascii', maxLength: 3 }));
    fc.assert(
      fc.property(damage, ([header, where, cut, put]) => {
        const text = JSON.stringify(header);
        const at = where % text.length;
        const damaged = text.slice(0, at) + put + text.slice(at + cut);
        if (refusal(damaged) === 'read') expect(() => JSON.parse(damaged)).not.toThrow();
        else expect(Object.values(RULES)).toContain(refusal(damaged));
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps the file’s order, also of names that look like numbers', () => {
    expect([...readHeaderJson('{"10":1,"2":2,"1":3}').keys()]).toEqual(['10', '2', '1']);
    // The control: an ordinary object sorts them.
    expect(Object.keys(JSON.parse('{"10":1,"2":2,"1":3}') as object)).toEqual(['1', '2', '10']);
  });

  it('takes __proto__ as a name like any other', () => {
    const header = readHeaderJson('{"__proto__":{"polluted":1}}');
    expect(header.get('__proto__')).toEqual(new Map([['polluted', 1]]));
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('reads escapes', () => {
    expect([...readHeaderJson('{"\\u00e9\\n\\"\\\\\\/":"\\ud83e\\ude7b"}')]).toEqual([['é\n"\\/', '🩻']]);
  });

  it('refuses a key that stands twice, of which JSON.parse keeps the last (the control)', () => {
    const twice = '{"a":1,"b":{"x":1,"x":2}}';
    expect(refusal(twice)).toBe(RULES.uniqueKeys);
    expect(JSON.parse(twice)).toEqual({ a: 1, b: { x: 2 } });
    expect(refusal('{"a":1,"\\u0061":2}')).toBe(RULES.uniqueKeys);
  });

  it.each<[string, Rule]>([
    ['', 'headerBrace'],
    ['[]', 'headerBrace'],
    ['{', 'headerJson'],
    ['{"a"}', 'headerJson'],
    ['{"a":}', 'headerJson'],
    ['{"a":1,}', 'headerJson'],
    ['{"a":[1,]}', 'headerJson'],
    ['{"a":[1 2]}', 'headerJson'],
    ['{"a":[1', 'headerJson'],
    ['{"a":"b', 'headerJson'],
    ['{"a":"b\\', 'headerJson'],
    ['{"a":"\\x"}', 'headerJson'],
    ['{"a":"\n"}', 'headerJson'],
    ["{'a':1}", 'headerJson'],
    ['{a:1}', 'headerJson'],
    ['{"a":1}x', 'headerTrailing'],
    ['{"a":1}{}', 'headerTrailing'],
    ['{"a":1}\0', 'headerTrailing'],
  ])('refuses %j', (text, rule) => {
    expect(refusal(text)).toBe(RULES[rule]);
  });

  it.each(['1.0', '1e3', '-1', '-0', '01', '+1', '0x1', 'NaN', '9007199254740992', '1'.repeat(400), 'true', 'null'])(
    'refuses %s where a size stands',
    (number) => {
      expect(refusal(`{"a":${number}}`)).toBe(RULES.headerJson);
    },
  );

  it('reads the largest size that JavaScript counts', () => {
    expect(readHeaderJson('{"a":9007199254740991,"b":0}')).toEqual(
      new Map([
        ['a', 2 ** 53 - 1],
        ['b', 0],
      ]),
    );
  });

  it('refuses deep nesting before it costs a stack', () => {
    expect(refusal('{"a":'.repeat(1_000_000))).toBe(RULES.headerNesting);
    expect(refusal('{"a":{"b":[[1]]}}')).toBe(RULES.headerNesting);
    expect(refusal('{"a":{"b":[1]}}')).toBe('read');
  });

  it('tells where, and nothing of the text', () => {
    try {
      readHeaderJson('{"Doe^John":1,"Doe^John":2}');
      expect.unreachable();
    } catch (error) {
      expect((error as Fault).facts).toEqual({ rule: RULES.uniqueKeys, at: 14 });
      expect((error as Fault).message).not.toContain('Doe');
    }
  });
});
