import { Fault } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from './checkpoint.js';
import { findConflict, verifyEquivocation } from './equivocation.js';
import { requireEvidence, type Evidence } from './evidence.js';
import { entriesOf, HUB, HUB_KEY, ORIGIN, SITE_KEYS, SITES, siteKey, siteSigner } from './log.fixture.js';
import { mergeSignatures } from './note.js';
import { quorumOf, toleratedFaults } from './quorum.js';
import { readLog } from './read-log.js';
import { MemoryStorage } from './storage.js';
import { TileLog } from './tile-log.js';
import { Witness } from './witness.js';

/** The whole story: a hub that shows its sites two histories, which begin to differ at an entry. */
const SIZE = 12;
const policy = { logKey: HUB_KEY, witnesses: SITE_KEYS, quorum: quorumOf(SITES.length) };

async function branch(
  forkAt: number,
  other: boolean,
): Promise<{ log: TileLog; storage: MemoryStorage; last: Uint8Array }> {
  const storage = new MemoryStorage();
  const log = await TileLog.open({ origin: ORIGIN, signer: HUB, storage });
  const entries = [...entriesOf(forkAt), ...entriesOf(SIZE - forkAt, other ? 1000 : forkAt)];
  await log.integrate(entries.slice(0, forkAt));
  await log.integrate(entries.slice(forkAt));
  return { log, storage, last: entries.at(-1)! };
}

const witness = (site: number): Witness =>
  new Witness({
    logKey: HUB_KEY,
    signer: siteSigner(site),
    name: siteKey(site).name,
    last: null,
    persist: async () => {},
  });

/** What a branch can show for its last entry after these witnesses were asked to cosign it. */
async function evidenceOf({ log, last }: Awaited<ReturnType<typeof branch>>, witnesses: readonly Witness[]) {
  const lines: string[] = [];
  for (const asked of witnesses) {
    const oldSize = asked.last?.size ?? 0;
    const answer = await asked.consider({ note: log.note, oldSize, proof: log.consistencyProof(oldSize) }, 1);
    if ('cosignature' in answer) lines.push(answer.cosignature);
  }
  const note = mergeSignatures(log.note, lines);
  return { entry: last, index: SIZE - 1, note, inclusion: log.inclusionProof(SIZE - 1) } satisfies Evidence;
}
const believed = (evidence: Evidence): boolean => {
  try {
    requireEvidence(evidence, policy);
    return true;
  } catch (error) {
    if (Fault.is(error, 'LEDGER_NOT_WITNESSED')) return false;
    throw error;
  }
};

describe('a hub that forks its log', () => {
  it('is believed when it does not: the control', async () => {
    const honest = await branch(5, false);
    expect(
      believed(
        await evidenceOf(
          honest,
          SITES.map((_, i) => witness(i)),
        ),
      ),
    ).toBe(true);
  });

  it('finishes no round while each site sees one branch only, wherever it forks', async () => {
    for (const forkAt of [1, 4, 11]) {
      const [a, b] = await Promise.all([branch(forkAt, false), branch(forkAt, true)]);
      const [first, second, third, fourth] = SITES.map((_, i) => witness(i)) as [Witness, Witness, Witness, Witness];
      expect(believed(await evidenceOf(a, [first, second]))).toBe(false);
      expect(believed(await evidenceOf(b, [third, fourth]))).toBe(false);
      // Nor when it asks, after that, the others too.
      expect(believed(await evidenceOf(a, [third, fourth]))).toBe(false);
      expect(believed(await evidenceOf(b, [first, second]))).toBe(false);
    }
  });

  it('makes at most one branch believed, however it splits the sites and whichever of them cosigns anything', async () => {
    const [a, b] = await Promise.all([branch(4, false), branch(4, true)]);
    expect(toleratedFaults(SITES.length)).toBe(1);
    let onBranches = 0;
    for (const colluder of [0, 3])
      for (let split = 0; split < 2 ** SITES.length; split++) {
        // The colluder has two memories and cosigns both branches.
        const sees = (site: number, bit: number): boolean => site === colluder || ((split >> site) & 1) === bit;
        const askedFor = (bit: number): Witness[] =>
          SITES.flatMap((_, site) => (sees(site, bit) ? [witness(site)] : []));
        const outcomes = [await evidenceOf(a, askedFor(0)), await evidenceOf(b, askedFor(1))].map(believed);
        expect(outcomes).not.toEqual([true, true]);
        onBranches += outcomes.filter(Boolean).length;
      }
    expect(onBranches).toBeGreaterThan(0);
  }, 60_000);

  it('is convicted by what any two sites kept, once somebody compares them', async () => {
    for (const forkAt of [1, 5, 11]) {
      const views = await Promise.all(
        [await branch(forkAt, false), await branch(forkAt, true)].map(({ storage }) =>
          readLog({ read: storage.read, origin: ORIGIN, logKey: HUB_KEY, witnesses: [], kind: 'coordinator' }),
        ),
      );
      const evidence = findConflict(views[0]!, views[1]!, HUB_KEY);
      expect(verifyEquivocation(JSON.parse(JSON.stringify(evidence)), HUB_KEY)).toBe(true);
      // Each branch for itself is a log with nothing wrong: only the comparison shows it.
      expect(openCheckpoint(views[1]!.note, HUB_KEY, []).checkpoint.size).toBe(SIZE);
    }
  });
});
