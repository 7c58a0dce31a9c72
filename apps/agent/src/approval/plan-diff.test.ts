import { fingerprintWords } from '@consilium/identity';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACCEPTED, keyOf, rosterOf } from '../keys.fixture.js';
import { planOf } from '../plan.fixture.js';
import { differences, diffText } from './plan-diff.js';

const plan = planOf();
const diff = (changes: object, governance: object = {}): string =>
  diffText(differences(plan, planOf(changes, governance))).join('\n');

describe('how two plans differ', () => {
  it('is nothing where nothing differs', () => {
    expect(diff({})).toBe('The two plans are the same.');
  });

  it.each<[string, object, object, string]>([
    ['rounds', { rounds: { ...plan.rounds, count: 30 } }, {}, 'rounds\n  − 3\n  + 30'],
    ['steps', { training: { ...plan.training, localSteps: 5 } }, {}, 'steps in each round\n  − 4\n  + 5'],
    ['the title', { title: 'Other' }, {}, 'title\n  − “Nodules”\n  + “Other”'],
    ['the sites', { sites: ['site-a', 'site-c'] }, {}, 'sites\n  − site-b\n  − site-d'],
    ['the order of the sites', { sites: [...plan.sites].reverse() }, {}, 'sites\n  in another order'],
    [
      'the law',
      {},
      { legalBasis: 'gdpr-6-1-a-9-2-a' },
      'legal basis\n  − public interest, scientific research (GDPR 6(1)(e) with 9(2)(j))\n  + consent of the patients (GDPR 6(1)(a) with 9(2)(a))',
    ],
    [
      'the end of the ethics approval',
      {},
      { ethics: { ...plan.governance.ethics, expires: '2098-01-01' } },
      'last day of the ethics approval\n  − “2099-12-31”\n  + “2098-01-01”',
    ],
    ['countries', {}, { jurisdictions: ['DE', 'DK'] }, 'countries\n  + DK'],
    [
      'what the coordinator keeps',
      { audit: { retainUpdates: true } },
      {},
      'whether the coordinator keeps the updates\n  − false\n  + true',
    ],
  ])('is told in words: %s', (_what, changes, governance, expected) => {
    expect(diff(changes, governance)).toContain(expected);
  });

  it('names a layer that came in between, and no layer after it', () => {
    const [input, ...rest] = plan.model.layers;
    const layers = [input, { type: 'conv2d', name: 'between', filters: 2, kernel: [3, 3] }, ...rest];
    const text = diff({ model: { layers } });
    expect(text).toMatch(/^layer between\n {2}\+ /m);
    expect(text).not.toContain('layer conv');
    expect(text).toContain('order of the layers\n  + between');
  });

  it('shows keys as the six words that people know them by', () => {
    const sites = ACCEPTED.sites.map((site) =>
      site.name === 'site-b' ? { ...site, signing: rosterOf().people[0]!.signing } : site,
    );
    const other = planOf({}, {}, { ...ACCEPTED, sites });
    const text = diffText(differences(plan, other)).join('\n');
    expect(text.replace(/\s+/g, ' ')).toContain(`key of site-b − ${fingerprintWords(keyOf('site-b').publicKey)} + `);
    expect(text).not.toContain('=');
  });

  it('leaves out nothing: whatever makes another digest is a difference', () => {
    const changes = fc.record(
      {
        seed: fc.nat(1000),
        title: fc.constantFrom('A', 'B'),
        rounds: fc.record({ count: fc.integer({ min: 1, max: 9 }) }).map(({ count }) => ({ ...plan.rounds, count })),
        training: fc
          .record({ batchSize: fc.integer({ min: 1, max: 9 }), weightDecay: fc.constantFrom(0, 0.1) })
          .map((some) => ({ ...plan.training, ...some })),
        aggregation: fc.constantFrom(...['examples', 'equal']).map((weighting) => ({ ...plan.aggregation, weighting })),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(changes, changes, (one, other) => {
        const [a, b] = [planOf(one), planOf(other)];
        expect(differences(a, b).length > 0).toBe(JSON.stringify(a) !== JSON.stringify(b));
        expect(differences(a, b).length).toBe(differences(b, a).length);
      }),
    );
  });
});
