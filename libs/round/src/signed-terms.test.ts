import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completePlan, ethicsEndMs, parsePlan, planDigest, requireInForce, requireSignedTerms } from './index.js';
import { smallPlan } from './plan.fixture.js';
import { governance, keyOf, rosterKeys } from './signed-terms.fixture.js';

const completed = () => completePlan(smallPlan(), { governance: governance(), roster: rosterKeys() });
const lastDay = Date.UTC(2027, 5, 30);

describe('a draft that the coordinator completes', () => {
  it('names the study’s governance and the keys of its own sites, and no other’s', () => {
    const plan = completed();
    expect(plan.governance).toEqual(governance());
    expect(plan.roster).toEqual({
      version: 3,
      digest: 'ab'.repeat(32),
      coordinator: keyOf(9),
      sites: { berlin: keyOf(2), aarhus: keyOf(1), constructor: keyOf(3) },
    });
  });

  it('has the digest that Python computes over the same terms', () => {
    expect(planDigest(completed())).toBe('4ca6b0734a99c050bcb884b98f6d23c3166229db52e0ff355d576ad80a1e868d');
  });

  it('is completed again to the same plan, and to another under another roster', () => {
    const again = completePlan(completed(), { governance: governance(), roster: rosterKeys() });
    expect(planDigest(again)).toBe(planDigest(completed()));
    const newer = completePlan(completed(), { governance: governance(), roster: { ...rosterKeys(), version: 4 } });
    expect(planDigest(newer)).not.toBe(planDigest(completed()));
  });

  it('takes its governance from the study, whatever it says itself', () => {
    const own = { ...governance(), jurisdictions: ['US'] };
    const plan = completePlan(
      { ...smallPlan(), governance: own, roster: 7 },
      { governance: governance(), roster: rosterKeys() },
    );
    expect(plan.governance.jurisdictions).toEqual(['DE', 'DK']);
  });

  it('with a site that is not enrolled is refused by that site’s name', () => {
    const roster = { ...rosterKeys(), sites: rosterKeys().sites.filter(({ name }) => name !== 'berlin') };
    expect(() => completePlan(smallPlan(), { governance: governance(), roster })).toThrowError(
      expect.objectContaining({ code: 'SITE_NOT_ENROLLED', facts: { site: 'berlin' } }),
    );
  });

  it.each([null, 7, 'plan', [], {}])('that is no plan (%j) is PLAN_INVALID', (draft) => {
    expect(() => completePlan(draft, { governance: governance(), roster: rosterKeys() })).toThrowError(
      expect.objectContaining({ code: 'PLAN_INVALID' }),
    );
  });
});

describe('a plan without its signed terms', () => {
  it.each(['governance', 'roster'])('names what is missing: %s', (missing) => {
    const plan = parsePlan({ ...completed(), [missing]: undefined });
    expect(() => requireSignedTerms(plan)).toThrowError(
      expect.objectContaining({ code: 'PLAN_INCOMPLETE', facts: { missing } }),
    );
  });

  it('is still a plan, as a draft', () => {
    expect(parsePlan(smallPlan())).not.toHaveProperty('governance');
  });
});

describe('the terms', () => {
  const refused = (change: object, path: string): void => {
    expect(() => parsePlan({ ...completed(), ...change })).toThrowError(
      expect.objectContaining({ code: 'PLAN_INVALID', facts: expect.objectContaining({ path }) }),
    );
  };
  const ethics = (change: object) => ({
    governance: { ...governance(), ethics: { ...governance().ethics, ...change } },
  });
  const rostered = (change: object) => ({ roster: { ...completed().roster, ...change } });

  it.each([
    ['a day that no calendar has', ethics({ expires: '2027-02-29' }), 'governance.ethics.expires'],
    ['a time instead of a day', ethics({ expires: '2027-06-30T12:00:00Z' }), 'governance.ethics.expires'],
    ['a number that rewrites the terminal', ethics({ number: 'EK \u001b[2J' }), 'governance.ethics.number'],
    [
      'a legal basis of nobody’s law',
      { governance: { ...governance(), legalBasis: 'because' } },
      'governance.legalBasis',
    ],
    [
      'a country in small letters',
      { governance: { ...governance(), jurisdictions: ['de'] } },
      'governance.jurisdictions.0',
    ],
    [
      'a union instead of a country',
      { governance: { ...governance(), jurisdictions: ['EU'] } },
      'governance.jurisdictions.0',
    ],
    ['a country twice', { governance: { ...governance(), jurisdictions: ['DE', 'DE'] } }, 'governance.jurisdictions'],
    ['no country', { governance: { ...governance(), jurisdictions: [] } }, 'governance.jurisdictions'],
    [
      'data that name patients',
      { governance: { ...governance(), dataContract: { ...governance().dataContract, deidentified: false } } },
      'governance.dataContract.deidentified',
    ],
    ['a key of 31 bytes', rostered({ coordinator: Buffer.alloc(31, 1).toString('base64') }), 'roster.coordinator'],
    ['a key in a second spelling', rostered({ coordinator: keyOf(9).replace('k=', 'l=') }), 'roster.coordinator'],
    [
      'a key for a site that is not asked',
      rostered({ sites: { ...completed().roster.sites, oslo: keyOf(4) } }),
      'roster.sites',
    ],
    ['a site without its key', rostered({ sites: { aarhus: keyOf(1), berlin: keyOf(2) } }), 'roster.sites'],
    ['a field more', { audit: { retainUpdates: true, retainImages: true } }, 'audit'],
  ])('refuse %s', (_, change, path) => refused(change, path));

  it('retain no update unless the plan says so', () => {
    expect(parsePlan(smallPlan()).audit).toEqual({ retainUpdates: false });
    expect(parsePlan({ ...smallPlan(), audit: { retainUpdates: true } }).audit.retainUpdates).toBe(true);
  });
});

describe('a plan in force', () => {
  it('is one of today’s roster, country and ethics approval', () => {
    expect(() => requireInForce(completed(), rosterKeys(), lastDay)).not.toThrow();
  });

  it('ends with the last instant of the ethics approval’s last day', () => {
    expect(ethicsEndMs(governance())).toBe(lastDay + 86_400_000);
    expect(() => requireInForce(completed(), rosterKeys(), lastDay + 86_399_999)).not.toThrow();
    expect(() => requireInForce(completed(), rosterKeys(), lastDay + 86_400_000)).toThrowError(
      expect.objectContaining({ code: 'ETHICS_EXPIRED' }),
    );
  });

  it('ends where a site of it moves to a country that it does not list', () => {
    const { sites } = rosterKeys();
    const moved = {
      ...rosterKeys(),
      sites: sites.map((site) => (site.name === 'berlin' ? { ...site, jurisdiction: 'US' } : site)),
    };
    expect(() => requireInForce(completed(), moved, lastDay)).toThrowError(
      expect.objectContaining({ code: 'JURISDICTION_REFUSED', facts: { site: 'berlin' } }),
    );
  });

  it.each(['aarhus', 'berlin', 'constructor'])('ends when %s leaves or takes another key', (name) => {
    const { sites } = rosterKeys();
    const gone = { ...rosterKeys(), sites: sites.filter((site) => site.name !== name) };
    const rekeyed = {
      ...rosterKeys(),
      sites: sites.map((site) => (site.name === name ? { ...site, signing: keyOf(77) } : site)),
    };
    for (const roster of [gone, rekeyed]) {
      expect(() => requireInForce(completed(), roster, lastDay)).toThrowError(
        expect.objectContaining({ code: 'ROSTER_CHANGED', facts: { site: name } }),
      );
    }
  });

  it('ends when the coordinator takes another key', () => {
    expect(() =>
      requireInForce(completed(), { ...rosterKeys(), coordinator: { signing: keyOf(8) } }, lastDay),
    ).toThrowError(expect.objectContaining({ code: 'ROSTER_CHANGED', facts: { of: 'coordinator' } }));
  });

  it('does not end when others come and go', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^x[a-z]{1,8}$/), { maxLength: 5 }), fc.nat(), (names, version) => {
        const others = names.map((name, i) => ({ name, signing: keyOf(100 + i), jurisdiction: 'US' }));
        const roster = { ...rosterKeys(), version, sites: [...rosterKeys().sites.slice(0, 3), ...others] };
        expect(() => requireInForce(completed(), roster, lastDay)).not.toThrow();
      }),
    );
  });
});
