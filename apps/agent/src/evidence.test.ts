import { signingKeyFrom } from '@consilium/identity';
import { coordinatorOrigin } from '@consilium/ledger';
import { Fault } from '@consilium/stdx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requireWitnessedOffer } from './evidence.js';
import { HubLog } from './hub-log.fixture.js';
import { FEDERATION } from './keys.fixture.js';
import { Watched } from './ledger/watched.js';
import type { Assignment, Evidence, RoundOffer } from './offers.js';
import { evaluationOffer, NO_DIGEST, OTHER_RUN, planOf, roundOffer, SITE } from './plan.fixture.js';

const plan = planOf();
const watchedBy = (...hubs: HubLog[]): Watched => {
  const watched = new Watched();
  for (const hub of hubs) watched.follow(hub.cosigned());
  return watched;
};
function codeOf(offer: Assignment, watched: Watched, terms: object = {}): string {
  try {
    requireWitnessedOffer(offer, { site: SITE, plan, watched, ...terms });
    return 'accepted';
  } catch (error) {
    return Fault.from(error).code;
  }
}
const hub = new HubLog();
const offer = roundOffer(plan, {}, hub);
const watched = watchedBy(hub);

describe('the evidence for an offer', () => {
  it('is accepted when its entry stands under a checkpoint that a quorum and this site have cosigned', () => {
    expect(requireWitnessedOffer(offer, { site: SITE, plan, watched })).toEqual({
      year: 2023,
      size: 2,
      root: hub.cosigned().root,
    });
    const measured = new HubLog();
    const evaluation = evaluationOffer(plan, measured);
    expect(codeOf(evaluation, watchedBy(measured))).toBe('accepted');
  });

  it('needs ⌊(n + f) / 2⌋ + 1 cosignatures: three of four sites', () => {
    const withSites = (...names: string[]): string => codeOf({ ...offer, evidence: hub.evidence(1, names) }, watched);
    expect(withSites('site-a', 'site-b')).toBe('LEDGER_NOT_WITNESSED');
    expect(withSites('site-b', 'site-c', 'site-d')).toBe('accepted');
    expect(withSites('site-a', 'site-b', 'site-c')).toBe('accepted');
    expect(withSites()).toBe('LEDGER_NOT_WITNESSED');
    // A stranger's cosignature is no site's.
    expect(withSites('site-a', 'site-b', 'site-x')).toBe('LEDGER_NOT_WITNESSED');
  });

  it('is not enough when all others cosigned what this site has not', () => {
    expect(codeOf(offer, new Watched())).toBe('LEDGER_NOT_WITNESSED');
    const other = hub.fork();
    other.append({ type: 'round.deadline', run: offer.run, round: 1, attempt: 1 });
    expect(codeOf(offer, watchedBy(other))).toBe('LEDGER_NOT_WITNESSED');
  });

  it('may rest on an older checkpoint that this site has cosigned before a larger one', () => {
    const grown = hub.fork();
    grown.append({ type: 'round.deadline', run: offer.run, round: 1, attempt: 1 });
    expect(codeOf(offer, watchedBy(hub, grown))).toBe('accepted');
  });

  it('is worth nothing once this site was shown another past', () => {
    const refused = watchedBy(hub);
    refused.follow({ type: 'witness.refused', code: 'LEDGER_FORKED', size: 2 });
    expect(codeOf(offer, refused)).toBe('LEDGER_FORKED');
  });

  it.each<[string, Partial<RoundOffer>]>([
    ['another run', { run: OTHER_RUN }],
    ['another round', { round: 2 }],
    ['another attempt', { attempt: 2 }],
    ['another plan', { planDigest: NO_DIGEST }],
    ['another model', { modelDigest: NO_DIGEST }],
  ])('does not fit an offer of %s', (_name, changes) => {
    expect(codeOf({ ...offer, ...changes }, watched)).toBe('LEDGER_EVIDENCE_INVALID');
  });

  it('does not turn a round into an evaluation, or the reverse', () => {
    const { evidence, run, planDigest, modelDigest, modelBytes } = offer;
    expect(codeOf({ kind: 'evaluation', run, planDigest, modelDigest, modelBytes, evidence }, watched)).toBe(
      'LEDGER_EVIDENCE_INVALID',
    );
    const measured = new HubLog();
    const evaluation = evaluationOffer(plan, measured);
    expect(codeOf({ ...offer, evidence: evaluation.evidence }, watchedBy(measured))).toBe('LEDGER_EVIDENCE_INVALID');
  });

  it('names this site among the participants', () => {
    expect(codeOf(offer, watched, { site: 'site-x' })).toBe('LEDGER_EVIDENCE_INVALID');
  });

  it('comes from the log of this federation’s coordinator, signed with the key in the plan', () => {
    const foreign = new HubLog(coordinatorOrigin('elsewhere', 2023));
    expect(codeOf(roundOffer(plan, {}, foreign), watchedBy(foreign))).toBe('LEDGER_EVIDENCE_INVALID');
    const posing = new HubLog(coordinatorOrigin(FEDERATION, 2023), signingKeyFrom(new Uint8Array(32).fill(7)));
    expect(codeOf(roundOffer(plan, {}, posing), watchedBy(posing))).toBe('LEDGER_EVIDENCE_INVALID');
  });

  it('is missing altogether from an old coordinator’s offer', () => {
    const evidence: Evidence = { entry: new Uint8Array(), index: 0, note: new Uint8Array(), inclusion: [] };
    expect(codeOf({ ...offer, evidence }, watched)).toBe('LEDGER_EVIDENCE_INVALID');
  });

  it('is refused with any one bit changed, and accepted unchanged', () => {
    const grown = new HubLog();
    for (let round = 1; round <= 6; round++)
      grown.append({ type: 'round.deadline', run: offer.run, round, attempt: 1 });
    // Just the quorum: a line that its change makes a stranger's is ignored, as C2SP demands, and then one is missing.
    const index = roundOffer(plan, {}, grown).evidence.index;
    const larger = { ...offer, evidence: grown.evidence(index, ['site-a', 'site-b', 'site-d']) };
    const seen = watchedBy(grown);
    const { entry, note, inclusion } = larger.evidence;
    const parts = [entry, note, ...inclusion];
    const flipped = (part: number, bit: number): Evidence => {
      const changed = parts.map((bytes, i) => (i === part ? flip(bytes, bit % (bytes.byteLength * 8)) : bytes));
      const [newEntry, newNote, ...path] = changed;
      return { ...larger.evidence, entry: newEntry!, note: newNote!, inclusion: path };
    };
    expect(codeOf(larger, seen)).toBe('accepted');
    fc.assert(
      fc.property(fc.nat(parts.length - 1), fc.nat(1_000_000), (part, bit) => {
        expect(codeOf({ ...larger, evidence: flipped(part, bit) }, seen)).not.toBe('accepted');
      }),
      { numRuns: 150 },
    );
    for (const other of [0, index - 1, index + 1, 1e9]) {
      expect(codeOf({ ...larger, evidence: { ...larger.evidence, index: other } }, seen)).not.toBe('accepted');
    }
    expect(codeOf({ ...larger, evidence: { ...larger.evidence, inclusion: inclusion.slice(1) } }, seen)).not.toBe(
      'accepted',
    );
  });
});

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice();
  changed[bit >> 3]! ^= 1 << (bit & 7);
  return changed;
}
