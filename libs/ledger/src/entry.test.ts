import { canonicalJson, CODES, Fault, utf8 } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requireEnrolled } from './enrolled.js';
import { coordinatorEvents } from './entry-coordinator.js';
import { siteEvents } from './entry-site.js';
import { COORDINATOR_EVENTS, SITE_EVENTS } from './entry.fixture.js';
import {
  coordinatorEntrySchema,
  ENTRY_BYTES_MAX,
  readEntry,
  sealEntry,
  siteEntrySchema,
  type LogKind,
} from './entry.js';
import { AT, digestOfByte, RUN, SALT, seal, SITES } from './log.fixture.js';

const EVERY: [LogKind, object][] = [
  ...COORDINATOR_EVENTS.map((event): [LogKind, object] => ['coordinator', event]),
  ...SITE_EVENTS.map((event): [LogKind, object] => ['site', event]),
];
const sealAny = (kind: LogKind, event: object): Uint8Array => seal(kind, event as never);
const codeOf = (call: () => unknown): unknown => {
  try {
    call();
    return 'accepted';
  } catch (error) {
    return Fault.is(error) ? error.code : error;
  }
};
const reading = (text: string, kind: LogKind = 'coordinator'): unknown => codeOf(() => readEntry(utf8(text), kind));

describe('entries', () => {
  it('exist for every type, each shown here once', () => {
    expect(COORDINATOR_EVENTS.map(({ type }) => type).sort()).toEqual(Object.keys(coordinatorEvents).sort());
    expect(SITE_EVENTS.map(({ type }) => type).sort()).toEqual(Object.keys(siteEvents).sort());
  });

  it('are canonical JSON and read back as they were', () => {
    for (const [kind, event] of EVERY) {
      const bytes = sealAny(kind, event);
      const entry = { ...event, v: 1, at: AT, salt: SALT };
      expect(Buffer.from(bytes).toString()).toBe(canonicalJson(entry));
      expect(readEntry(bytes, kind)).toEqual(entry);
      expect((kind === 'site' ? siteEntrySchema : coordinatorEntrySchema).parse(entry)).toEqual(entry);
    }
  });

  it('have no field that a patient’s name or number fits in', () => {
    const canaries = ['CANARY^PATIENT^7F3A', '4711-0815-2342', 'Müller', '1.2.840.113619.2.55.3'];
    for (const [kind, event] of EVERY)
      for (const canary of canaries) {
        expect(codeOf(() => sealAny(kind, { ...event, note: canary }))).toBe('LEDGER_ENTRY_INVALID');
        for (const [field, value] of Object.entries(event)) {
          const isName = ['site', 'participants', 'contributors'].includes(field);
          if (field === 'type' || (isName && canary === '4711-0815-2342')) continue;
          const spoilt = Array.isArray(value) ? [canary] : canary;
          expect(codeOf(() => sealAny(kind, { ...event, [field]: spoilt }))).toBe('LEDGER_ENTRY_INVALID');
        }
      }
  });

  it('say which field is wrong and never what stood there', () => {
    const event = { type: 'site.joined', run: RUN, round: 1, attempt: 1, site: 'CANARY^PATIENT' };
    expect(() => sealAny('coordinator', event)).toThrow(
      expect.objectContaining({ facts: { type: 'site.joined', field: 'site' } }),
    );
    const extra = { type: 'token.used', token: 'token-0123456789', 'canary-key': 1 };
    expect(() => sealAny('coordinator', extra)).toThrow(
      expect.objectContaining({ facts: { type: 'token.used', field: 'unknown field' } }),
    );
    expect(() => sealAny('coordinator', { type: 'CANARY' })).toThrow(
      expect.objectContaining({ facts: { what: 'unknown type', log: 'coordinator' } }),
    );
  });

  it('belong to their log: a coordinator’s is none at a site', () => {
    const bytes = seal('coordinator', { type: 'token.used', token: 'token-0123456789' });
    expect(codeOf(() => readEntry(bytes, 'site'))).toBe('LEDGER_ENTRY_INVALID');
    expect(codeOf(() => readEntry(bytes, 'coordinator'))).toBe('accepted');
  });

  it('are at most 4096 bytes long, written or read', () => {
    const names = Array.from({ length: 80 }, (_, i) => `${'x'.repeat(50)}${i}` as never);
    const offer = { run: RUN, round: 1, attempt: 1, plan: digestOfByte(1), model: digestOfByte(2) };
    const event = { type: 'round.offered', ...offer, participants: names };
    expect(codeOf(() => sealAny('coordinator', event))).toBe('LEDGER_ENTRY_INVALID');
    expect(codeOf(() => sealAny('coordinator', { ...event, participants: names.slice(0, 60) }))).toBe('accepted');
    const long = canonicalJson({ ...event, v: 1, at: AT, salt: SALT });
    expect(long.length).toBeGreaterThan(ENTRY_BYTES_MAX);
    expect(reading(long)).toBe('LEDGER_ENTRY_INVALID');
  });

  it('name each site of a round once', () => {
    const offer = { run: RUN, round: 1, attempt: 1, plan: digestOfByte(1), model: digestOfByte(2) };
    const event = { type: 'round.offered', ...offer, participants: [SITES[0], SITES[0]] };
    expect(codeOf(() => sealAny('coordinator', event))).toBe('LEDGER_ENTRY_INVALID');
  });

  it('cannot be sealed with another time than milliseconds or another salt than 16 bytes', () => {
    const event = { type: 'token.used', token: 'token-0123456789' } as const;
    for (const wrong of [{ at: -1 }, { at: 0.5 }, { at: NaN }, { salt: SALT.toUpperCase() }, { salt: '00' }])
      expect(codeOf(() => sealEntry(event, { kind: 'coordinator', at: AT, salt: SALT, ...wrong }))).toBe(
        'LEDGER_ENTRY_INVALID',
      );
  });
});

describe('the one spelling of an entry', () => {
  const text = Buffer.from(seal('coordinator', { type: 'alert', kind: 'clock', site: null })).toString();

  it.each([
    ['a byte order mark', `\ufeff${text}`],
    ['a space', text.replace(':', ': ')],
    ['a line feed at the end', `${text}\n`],
    ['an escaped letter', text.replace('clock', '\\u0063lock')],
    ['another order', `{"v":1,${text.slice(1).replace(',"v":1', '')}`],
    ['a key twice', text.replace('{', '{"at":1,')],
    ['a number with a fraction', text.replace('"v":1', '"v":1.0')],
    ['a number with an exponent', text.replace('"v":1', '"v":1e0')],
    ['a prototype', text.replace(',"at"', ',"__proto__":{},"at"').replace('{"at"', '{"__proto__":{},"at"')],
    ['no object', '[]'],
    ['no object either', 'null'],
    ['no JSON', '{'],
    ['nothing', ''],
  ])('is not one with %s', (_, other) => {
    expect(reading(text)).toBe('accepted');
    expect(reading(other)).toBe('LEDGER_ENTRY_INVALID');
  });

  it('has room for every code of the catalogue', () => {
    for (const code of CODES) {
      const bytes = seal('coordinator', { type: 'token.refused', code });
      expect(readEntry(bytes, 'coordinator')).toMatchObject({ code });
    }
  });

  it('sorts nested keys too', () => {
    const bytes = seal('coordinator', {
      type: 'shard.opened',
      year: 2026,
      predecessor: { size: 1, root: digestOfByte(1) },
      reason: 'year',
      lost: 0,
    });
    const swapped = Buffer.from(bytes)
      .toString()
      .replace(/"predecessor":\{("root":"[0-9a-f]+"),("size":1)\}/, '"predecessor":{$2,$1}');
    expect(swapped).not.toBe(Buffer.from(bytes).toString());
    expect(reading(swapped)).toBe('LEDGER_ENTRY_INVALID');
  });

  it('is not broken UTF-8', () => {
    const broken = utf8(text);
    broken[10] = 0xff;
    expect(codeOf(() => readEntry(broken, 'coordinator'))).toBe('LEDGER_ENTRY_INVALID');
  });

  it('differs from every other accepted spelling in what it says: a changed byte is refused or read differently', () => {
    const originals = EVERY.map(([kind, event]) => ({ kind, bytes: sealAny(kind, event) }));
    fc.assert(
      fc.property(fc.constantFrom(...originals), fc.nat(), fc.nat(7), ({ kind, bytes }, where, bit) => {
        const changed = bytes.slice();
        changed[where % bytes.byteLength]! ^= 1 << bit;
        const outcome = codeOf(() => readEntry(changed, kind));
        if (outcome === 'accepted') expect(readEntry(changed, kind)).not.toEqual(readEntry(bytes, kind));
        else expect(outcome).toBe('LEDGER_ENTRY_INVALID');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('names of sites', () => {
  const enrolled: ReadonlySet<string> = new Set(SITES);
  const check = (event: object): unknown => codeOf(() => requireEnrolled(event as never, enrolled));

  it('are those that somebody enrolled: a medical record number has the form, and is refused', () => {
    for (const [kind, event] of EVERY) {
      expect(check(event)).toBe('accepted');
      for (const field of ['site', 'participants', 'contributors'].filter((name) => name in event)) {
        const number = field === 'site' ? '4711-0815-2342' : [SITES[0], '4711-0815-2342'];
        const forged = { ...event, [field]: number };
        expect(codeOf(() => sealAny(kind, forged))).toBe('accepted'); // the form alone does not tell
        expect(check(forged)).toBe('LEDGER_ID_NOT_ENROLLED');
      }
    }
  });

  it('stand in the three fields that are looked at and in no other', () => {
    for (const [kind, event] of EVERY)
      for (const [field, value] of Object.entries(event)) {
        if (['site', 'participants', 'contributors', 'type'].includes(field)) continue;
        const name = Array.isArray(value) ? ['4711-0815-2342'] : '4711-0815-2342';
        expect(codeOf(() => sealAny(kind, { ...event, [field]: name }))).toBe('LEDGER_ENTRY_INVALID');
      }
  });

  it('are not repeated in the refusal', () => {
    expect(() => requireEnrolled({ type: 'site.joined', site: '4711' } as never, enrolled)).toThrow(
      expect.objectContaining({ code: 'LEDGER_ID_NOT_ENROLLED', facts: { type: 'site.joined', field: 'site' } }),
    );
  });
});
