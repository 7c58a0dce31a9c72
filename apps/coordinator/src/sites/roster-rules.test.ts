import { encodePublicKey, nextRoster, type KnownRoster, type Roster, type RosterChange } from '@consilium/identity';
import { digestOfJson, type SiteName } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BOTH, keyOf, PROPOSER, rosterOf } from '../fixtures/keys.fixture.js';
import { requireAllowedChange, type AllowedChange } from './roster-rules.js';

const [alpha, delta] = ['alpha', 'delta'] as SiteName[] as [SiteName, SiteName];
const signing = encodePublicKey(keyOf('site delta').publicKey);
const admits = { name: delta, signing, jurisdiction: 'DK' };
const known = of(rosterOf('demo', ['alpha', 'beta', 'gamma'], 1000));
const nothing: AllowedChange = { mayLeave: new Set() };

function of(roster: Roster): KnownRoster {
  return { roster, digest: digestOfJson(roster) };
}
const next = (...changes: RosterChange[]): Roster => nextRoster(known, changes, 2000);
const judge = (roster: Roster, allowed: AllowedChange): string => {
  try {
    requireAllowedChange(known, of(roster), allowed);
    return 'allowed';
  } catch (error) {
    const { code, facts } = error as { code: string; facts: { path?: string } };
    return `${code} ${facts.path ?? ''}`.trim();
  }
};

describe('the next roster', () => {
  it('may admit the site that waits, with exactly its key and country', () => {
    const admitting = next({ kind: 'admit', site: admits });
    expect(judge(admitting, { ...nothing, admits })).toBe('allowed');
    expect(judge(admitting, nothing)).toBe('ROSTER_INVALID sites.delta');
    for (const other of [{ signing: encodePublicKey(keyOf('another').publicKey) }, { jurisdiction: 'SE' }]) {
      const wrong = next({ kind: 'admit', site: { ...admits, ...other } });
      expect(judge(wrong, { ...nothing, admits })).toBe('ROSTER_INVALID sites.delta');
    }
    expect(judge(next(), { ...nothing, admits })).toBe('ROSTER_INVALID sites.delta');
  });

  it('may give the site that asked for it another key', () => {
    const rekeyed = { name: alpha, signing, jurisdiction: 'DE' };
    const roster = next({ kind: 'rekey', site: alpha, signing });
    expect(judge(roster, { ...nothing, admits: rekeyed })).toBe('allowed');
    expect(judge(roster, nothing)).toBe('ROSTER_INVALID sites.alpha');
  });

  it('may let people come and go', () => {
    const roster = next(
      { kind: 'dismiss', person: BOTH.person },
      {
        kind: 'enlist',
        person: { person: PROPOSER.person, roles: ['admin'], signing: encodePublicKey(keyOf('new').publicKey) },
      },
    );
    expect(judge(roster, nothing)).toBe('allowed');
  });

  it('may leave out a revoked site and no other', () => {
    const roster = next({ kind: 'revoke', site: alpha });
    expect(judge(roster, { mayLeave: new Set([alpha]) })).toBe('allowed');
    expect(judge(roster, nothing)).toBe('ROSTER_INVALID sites.alpha');
  });

  it('does not leave out the very site that it is to admit', () => {
    const back = { name: alpha, signing, jurisdiction: 'DE' };
    const roster = next({ kind: 'revoke', site: alpha });
    expect(judge(roster, { admits: back, mayLeave: new Set([alpha]) })).toBe('ROSTER_INVALID sites.alpha');
  });

  it.each<[string, (roster: Roster) => Roster]>([
    ['of another coordinator', (roster) => ({ ...roster, coordinator: { signing } })],
    ['that skips a version', (roster) => ({ ...roster, version: roster.version + 1 })],
    ['that follows another one', (roster) => ({ ...roster, previous: digestOfJson('another') })],
    ['of the same version', (roster) => ({ ...roster, version: 1, previous: null })],
    ['written before the one that it follows', (roster) => ({ ...roster, issuedMs: 999 })],
    ['of another federation', (roster) => ({ ...roster, federation: 'other' })],
  ])('is not one %s', (_, change) => {
    expect(judge(next(), nothing)).toBe('allowed');
    expect(judge(change(next()), nothing)).toMatch(/^ROSTER_INVALID/);
  });

  it('is allowed exactly where its sites are those before with what was asked, whatever else it does', () => {
    const country = fc.constantFrom('DE', 'DK');
    const names = fc.uniqueArray(fc.constantFrom('alpha', 'beta', 'gamma', 'delta', 'epsilon'), { maxLength: 5 });
    fc.assert(
      fc.property(
        names,
        fc.array(country, { minLength: 5, maxLength: 5 }),
        fc.boolean(),
        fc.boolean(),
        (some, countries, isAsked, isRevoked) => {
          const sites = rosterOf('demo', some).sites.map((site, i) => ({ ...site, jurisdiction: countries[i]! }));
          const mayLeave = new Set<SiteName>(isRevoked ? [alpha] : []);
          const allowed = { mayLeave, ...(isAsked && { admits }) };
          const expected =
            known.roster.sites.every(
              (site) => sites.some((same) => same.name === site.name) || mayLeave.has(site.name),
            ) &&
            sites.every((site) =>
              site.name === delta
                ? isAsked && site.jurisdiction === 'DK'
                : known.roster.sites.some(({ name }) => name === site.name) && site.jurisdiction === 'DE',
            ) &&
            (!isAsked || sites.some(({ name }) => name === delta));
          expect(judge({ ...next(), sites }, allowed) === 'allowed').toBe(expected);
        },
      ),
      { numRuns: 500 },
    );
  });
});
