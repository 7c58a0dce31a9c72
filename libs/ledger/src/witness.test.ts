import { Fault } from '@consilium/stdx';
import { beforeEach, describe, expect, it } from 'vitest';
import { openCheckpoint, signCheckpoint } from './checkpoint.js';
import { emptyRoot } from './hash.js';
import { entriesOf, HUB, HUB_KEY, logOf, ORIGIN, signerOf, siteKey, siteSigner } from './log.fixture.js';
import { mergeSignatures } from './note.js';
import type { TileLog } from './tile-log.js';
import { Witness, type Seen, type WitnessAnswer } from './witness.js';

const NOW = 1_790_000_000;

let log: TileLog;
let persisted: Seen[];
beforeEach(async () => {
  ({ log } = await logOf(20));
  persisted = [];
});

const witnessOf = (last: Seen | null = null, persist?: (next: Seen) => Promise<void>): Witness =>
  new Witness({
    logKey: HUB_KEY,
    signer: siteSigner(0),
    name: siteKey(0).name,
    last,
    persist: persist ?? (async (next) => void persisted.push(next)),
  });
/** A checkpoint that the log could have signed when it had this size. */
const noteAt = (size: number, of = log): string => signCheckpoint({ origin: ORIGIN, size, root: of.rootAt(size) }, HUB);
const ask = (witness: Witness, size: number, oldSize: number, of = log): Promise<WitnessAnswer> =>
  witness.consider({ note: noteAt(size, of), oldSize, proof: of.consistencyProof(oldSize, size) }, NOW);

describe('a witness', () => {
  it('cosigns a log that only grows, and remembers the largest', async () => {
    const witness = witnessOf();
    expect(witness.last).toBeNull();
    for (const [size, oldSize] of [
      [3, 0],
      [3, 3],
      [20, 3],
    ] as const) {
      const answer = await ask(witness, size, oldSize);
      if (!('cosignature' in answer)) throw new Error(answer.refused);
      const note = mergeSignatures(noteAt(size), [answer.cosignature]);
      expect([...openCheckpoint(note, HUB_KEY, [siteKey(0)], { strict: true }).cosigned]).toEqual([
        [siteKey(0).name, NOW],
      ]);
      expect(answer.checkpoint.size).toBe(size);
    }
    expect(persisted.map(({ size }) => size)).toEqual([3, 20]); // what it knew already needs no second writing down
    expect(witness.last).toEqual({ size: 20, root: log.rootAt(20) });
  });

  it('starts, after a restart, where it had written down that it was', async () => {
    const witness = witnessOf({ size: 7, root: log.rootAt(7) });
    expect(await ask(witness, 20, 0)).toEqual({ refused: 'LEDGER_PROOF_INVALID', knownSize: 7 });
    expect(await ask(witness, 20, 7)).toHaveProperty('cosignature');
  });

  it('refuses a log that is shorter than before', async () => {
    expect(await ask(witnessOf({ size: 7, root: log.rootAt(7) }), 6, 6)).toEqual({
      refused: 'LEDGER_ROLLED_BACK',
      knownSize: 7,
    });
  });

  it('refuses another root at the size that it knows', async () => {
    const witness = witnessOf({ size: 7, root: log.rootAt(8) });
    expect(await ask(witness, 7, 7)).toEqual({ refused: 'LEDGER_FORKED', knownSize: 7 });
  });

  it('refuses a log with another past, whatever proof comes with it', async () => {
    const witness = witnessOf({ size: 7, root: log.rootAt(8) });
    expect(await ask(witness, 20, 7)).toEqual({ refused: 'LEDGER_PROOF_INVALID', knownSize: 7 });
    expect(await witness.consider({ note: noteAt(20), oldSize: 7, proof: [] }, NOW)).toHaveProperty('refused');
    expect(await witness.consider({ note: noteAt(20), oldSize: 0, proof: [] }, NOW)).toHaveProperty('refused');
    expect([persisted, witness.last!.size]).toEqual([[], 7]);
  });

  it('refuses what is no checkpoint of this log', async () => {
    const witness = witnessOf();
    const foreign = signCheckpoint({ origin: ORIGIN, size: 3, root: log.rootAt(3) }, signerOf(77));
    const cases = [
      ['LEDGER_SIGNATURE_INVALID', { note: foreign, oldSize: 0, proof: [] }],
      ['LEDGER_NOTE_INVALID', { note: 'no note', oldSize: 0, proof: [] }],
      ['LEDGER_PROOF_INVALID', { note: noteAt(3), oldSize: 9, proof: [] }],
      ['LEDGER_PROOF_INVALID', { note: noteAt(3), oldSize: 0, proof: [emptyRoot()] }],
    ] as const;
    for (const [refused, request] of cases)
      expect(await witness.consider(request, NOW)).toEqual({ refused, knownSize: 0 });
  });

  it('judges one request at a time: of two that run into each other, the smaller cannot make it forget the larger', async () => {
    // The race that C2SP tlog-witness describes: both were checked against the same old size.
    let release = (): void => {};
    const slow = new Promise<void>((resolve) => (release = resolve));
    const witness = witnessOf(null, async (next) => {
      if (persisted.length === 0) await slow;
      persisted.push(next);
    });
    const answers = Promise.all([ask(witness, 20, 0), ask(witness, 7, 0)]);
    release();
    const [first, second] = await answers;
    expect(first).toHaveProperty('cosignature');
    expect(second).toEqual({ refused: 'LEDGER_ROLLED_BACK', knownSize: 20 });
    expect(persisted.map(({ size }) => size)).toEqual([20]);
  });

  it('would be made to forget if it judged both at once: the control', async () => {
    // Two witnesses with one memory and no order between them.
    const memory: Seen[] = [];
    const careless = [0, 1].map(() => witnessOf(null, async (next) => void memory.push(next)));
    const answers = await Promise.all([ask(careless[0]!, 20, 0), ask(careless[1]!, 7, 0)]);
    expect(answers.every((answer) => 'cosignature' in answer)).toBe(true);
    expect(memory.at(-1)!.size).toBe(7);
  });

  it('signs nothing that it could not write down, and tries again', async () => {
    let full = true;
    const witness = witnessOf(null, async () => {
      if (full) throw new Fault('DISK_FULL');
    });
    await expect(ask(witness, 7, 0)).rejects.toSatisfy((error) => Fault.is(error, 'DISK_FULL'));
    expect(witness.last).toBeNull();
    full = false;
    expect(await ask(witness, 7, 0)).toHaveProperty('cosignature');
  });

  it('does not take our own mistakes for the log’s', async () => {
    const broken = new Witness({
      logKey: siteKey(0),
      signer: siteSigner(0),
      name: 'x',
      last: null,
      persist: async () => {},
    });
    await expect(ask(broken, 7, 0)).rejects.toThrow('type 1');
  });

  it('sees through a hub that shows each half of the sites another branch: at most one branch finds a quorum', async () => {
    const { log: other } = await logOf(10);
    await other.integrate(entriesOf(10, 500)); // the same first ten entries, then others
    const witnesses = [0, 1, 2, 3].map(() => witnessOf());
    for (const witness of witnesses) await ask(witness, 10, 0);
    const answers = await Promise.all(witnesses.map((witness, i) => ask(witness, 20, 10, i < 2 ? log : other)));
    expect(answers.every((answer) => 'cosignature' in answer)).toBe(true); // each half believes its branch …
    for (const [i, witness] of witnesses.entries())
      expect(await ask(witness, 20, 20, i < 2 ? other : log)).toEqual({ refused: 'LEDGER_FORKED', knownSize: 20 });
    // … and neither branch has the three of four cosignatures that a site asks for.
  });
});
