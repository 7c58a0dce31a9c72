import { Fault, utf8 } from '@consilium/stdx';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from './checkpoint.js';
import { cosign } from './cosignature.js';
import { requireEvidence, type Evidence, type EvidencePolicy } from './evidence.js';
import { emptyRoot } from './hash.js';
import { entriesOf, HUB_KEY, logOf, RUN, SITE_KEYS, SITES, siteKey, siteSigner } from './log.fixture.js';
import { mergeSignatures } from './note.js';
import { quorumOf } from './quorum.js';

const policy: EvidencePolicy = { logKey: HUB_KEY, witnesses: SITE_KEYS, quorum: quorumOf(SITE_KEYS.length) };
let evidence: Evidence;
let lines: string[];
let bare: string;

beforeAll(async () => {
  const { log } = await logOf(30);
  const { text } = openCheckpoint(log.note, HUB_KEY, []);
  lines = SITES.map((site, i) => cosign(text, siteSigner(i), `lung/site/${site}`, 1_790_000_000));
  bare = log.note;
  const note = mergeSignatures(log.note, lines.slice(0, 3));
  evidence = { entry: entriesOf(1, 17)[0]!, index: 17, note, inclusion: log.inclusionProof(17) };
});
const codeOf = (shown: Evidence, by = policy): unknown => {
  try {
    requireEvidence(shown, by);
    return 'accepted';
  } catch (error) {
    return Fault.is(error) ? error.code : error;
  }
};

describe('evidence', () => {
  it('gives the entry, and the checkpoint that it stands under', () => {
    const { entry, checkpoint, cosigned } = requireEvidence(evidence, policy);
    expect(entry).toMatchObject({ type: 'round.offered', run: RUN, round: 17 });
    expect([checkpoint.size, cosigned.size]).toEqual([30, 3]);
  });

  it('takes a quorum of cosignatures: three of four', () => {
    for (const [count, outcome] of [
      [0, 'LEDGER_NOT_WITNESSED'],
      [2, 'LEDGER_NOT_WITNESSED'],
      [3, 'accepted'],
      [4, 'accepted'],
    ] as const)
      expect(codeOf({ ...evidence, note: mergeSignatures(bare, lines.slice(0, count)) })).toBe(outcome);
  });

  it('counts cosigners of the plan only', () => {
    const plan = { ...policy, witnesses: SITE_KEYS.slice(1) };
    expect(codeOf(evidence, plan)).toBe('LEDGER_NOT_WITNESSED');
  });

  it.each([
    ['another entry', () => ({ ...evidence, entry: entriesOf(1, 18)[0]! })],
    ['another index', () => ({ ...evidence, index: 16 })],
    ['no proof', () => ({ ...evidence, inclusion: [] })],
    ['a proof with a hash more', () => ({ ...evidence, inclusion: [...evidence.inclusion, emptyRoot()] })],
    ['a note that is none', () => ({ ...evidence, note: 'x' })],
    [
      'a forged cosignature',
      () => ({ ...evidence, note: evidence.note.replace(lines[2]!, lines[2]!.replace(/....$/, 'AAA=')) }),
    ],
    ['bytes that are no entry', () => ({ ...evidence, entry: utf8('{}') })],
  ])('is none with %s', (_, change) => {
    expect(codeOf(change())).toBe('LEDGER_EVIDENCE_INVALID');
  });

  it('is none after any changed bit of entry, proof or signed text', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(7), fc.constantFrom('entry', 'proof', 'note'), (where, bit, what) => {
        const changed = {
          entry: evidence.entry.slice(),
          proof: evidence.inclusion.map((hash) => hash.slice()),
          note: utf8(bare.slice(0, bare.indexOf('\n\n'))),
        };
        const target = what === 'proof' ? changed.proof[where % changed.proof.length]! : changed[what as 'entry'];
        target[where % target.byteLength]! ^= 1 << bit;
        const note = Buffer.from(changed.note).toString() + evidence.note.slice(changed.note.byteLength);
        expect(codeOf({ ...evidence, entry: changed.entry, inclusion: changed.proof, note })).toBe(
          'LEDGER_EVIDENCE_INVALID',
        );
      }),
      { numRuns: 80 },
    );
  });

  it('is asked for by a sound policy: each cosigner once, and a quorum that can be had and means something', () => {
    const twice = { ...policy, witnesses: [siteKey(0), { ...siteKey(0), name: 'other' }] };
    const sameName = { ...policy, witnesses: [siteKey(0), { ...siteKey(1), name: siteKey(0).name }] };
    expect(() => requireEvidence(evidence, { ...twice, quorum: 2 })).toThrow('its own key');
    expect(() => requireEvidence(evidence, { ...sameName, quorum: 2 })).toThrow('its own name');
    for (const quorum of [0, 5, 1.5])
      expect(() => requireEvidence(evidence, { ...policy, quorum })).toThrow('a quorum is of the witnesses');
    expect(() => requireEvidence(evidence, { ...policy, logKey: siteKey(0) })).toThrow('type 1');
  });
});
