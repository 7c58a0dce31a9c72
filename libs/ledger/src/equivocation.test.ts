import { Fault } from '@consilium/stdx';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { signCheckpoint } from './checkpoint.js';
import { encodeEquivocation, findConflict, verifyEquivocation, type Equivocation, type View } from './equivocation.js';
import { entriesOf, HUB, HUB_KEY, ORIGIN, siteKey, signerOf } from './log.fixture.js';
import { MerkleTree } from './merkle.js';
import { LOG_SIGNATURE, verifierKey } from './verifier-key.js';

/** A history that forks from the honest one at an entry, and what is shown of it at a size. */
function view(size: number, forkAt = Infinity): View & { tree: MerkleTree } {
  const tree = new MerkleTree();
  for (let i = 0; i < size; i++) tree.append(entriesOf(1, i < forkAt ? i : i + 10_000)[0]!);
  return { note: signCheckpoint({ origin: ORIGIN, size, root: tree.root() }, HUB), tree };
}
const conflict = (a: View, b: View): Equivocation => {
  const evidence = findConflict(a, b, HUB_KEY);
  if (!evidence) throw new Error('no conflict');
  return evidence;
};
const parsed = (evidence: Equivocation): unknown => JSON.parse(encodeEquivocation(evidence));

describe('two checkpoints of one log', () => {
  it('that are both true make no evidence, whichever comes first', () => {
    for (const [a, b] of [
      [5, 5],
      [5, 9],
      [8, 9],
      [0, 9],
      [1, 2],
    ] as const) {
      expect(findConflict(view(a), view(b), HUB_KEY)).toBeNull();
      expect(findConflict(view(b), view(a), HUB_KEY)).toBeNull();
    }
  });

  it('of one size with two roots convict the log by themselves', () => {
    const evidence = conflict(view(9), view(9, 4));
    expect(evidence.prefix).toBeUndefined();
    expect(verifyEquivocation(parsed(evidence), HUB_KEY)).toBe(true);
  });

  it('convict the log wherever it forked before the smaller one, at any two sizes', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), fc.nat());
    fc.assert(
      fc.property(sizes, ([a, b, where]) => {
        const forkAt = where % Math.min(a, b);
        const evidence = conflict(view(a), view(b, forkAt));
        expect(verifyEquivocation(parsed(evidence), HUB_KEY)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('need the larger one’s log, and not the smaller one’s', () => {
    const [smaller, larger] = [view(5, 3), view(9)];
    expect(verifyEquivocation(conflict({ note: smaller.note }, larger), HUB_KEY)).toBe(true);
    expect(() => findConflict(smaller, { note: larger.note }, HUB_KEY)).toThrow(
      expect.objectContaining({ code: 'LEDGER_PROOF_INVALID' }),
    );
    // A tree that is not the one that was signed says nothing either.
    expect(() => findConflict(smaller, { note: larger.note, tree: view(9, 2).tree }, HUB_KEY)).toThrow(Fault);
  });

  it('are both of the log with this key', () => {
    const foreign = {
      ...view(5),
      note: signCheckpoint({ origin: ORIGIN, size: 5, root: view(5).tree.root() }, signerOf(8)),
    };
    expect(() => findConflict(foreign, view(9), HUB_KEY)).toThrow(
      expect.objectContaining({ code: 'LEDGER_SIGNATURE_INVALID' }),
    );
  });
});

describe('what is no evidence', () => {
  let evidence: Equivocation;
  let honest: [View, View];
  beforeAll(() => {
    evidence = conflict(view(5, 3), view(9));
    honest = [view(5), view(9)];
  });
  const convicts = (changed: unknown): boolean => verifyEquivocation(changed, HUB_KEY);

  it('cannot be made of an honest log, whatever one writes into it', () => {
    const [smaller, larger] = honest;
    const claim = { ...evidence, first: smaller.note, second: larger.note };
    expect(convicts(claim)).toBe(false);
    const { tree } = view(9);
    const trueProof = tree.consistencyProof(5, 9).map((hash) => Buffer.from(hash).toString('base64'));
    const root = Buffer.from(tree.root(5)).toString('base64');
    expect(convicts({ ...claim, prefix: { root, consistency: trueProof } })).toBe(false);
    expect(convicts({ ...claim, first: larger.note })).toBe(false);
    expect(convicts({ ...claim, first: larger.note, second: smaller.note })).toBe(false);
    const { prefix: _, ...bare } = claim;
    expect(convicts(bare)).toBe(false);
    expect(convicts({ ...bare, second: smaller.note })).toBe(false);
  });

  it('is anything changed about true evidence', () => {
    expect(convicts(evidence)).toBe(true);
    const prefix = evidence.prefix!;
    for (const changed of [
      null,
      'text',
      [],
      { ...evidence, extra: 1 },
      { ...evidence, schema: 'consilium.equivocation/2' },
      { ...evidence, prefix: undefined },
      { ...evidence, first: evidence.second, second: evidence.first },
      { ...evidence, first: 'no note' },
      { ...evidence, logKey: 'no key' },
      { ...evidence, prefix: { ...prefix, consistency: prefix.consistency.slice(1) } },
      { ...evidence, prefix: { ...prefix, root: prefix.consistency[0] } },
      { ...evidence, prefix: { ...prefix, root: 'not base64' } },
      { ...conflict(view(9), view(9, 4)), prefix },
    ])
      expect(convicts(changed)).toBe(false);
  });

  it('speaks of a log that one does not know', () => {
    const stranger = signerOf(8);
    const key = verifierKey(ORIGIN, LOG_SIGNATURE, stranger.publicKey);
    const forged = [view(9), view(9, 4)].map(({ tree, note }) => ({
      tree,
      note: signCheckpoint({ origin: ORIGIN, size: 9, root: tree!.root() }, stranger) || note,
    })) as [View, View];
    const against = findConflict(forged[0], forged[1], key)!;
    expect(verifyEquivocation(against, key)).toBe(true);
    expect(verifyEquivocation(against, HUB_KEY)).toBe(false);
  });

  it('does not hide our own mistakes', () => {
    const cosigner = siteKey(0);
    const named = { ...evidence, logKey: `${cosigner.name}` };
    expect(verifyEquivocation(named, cosigner)).toBe(false);
  });
});
