import { Fault, ManualClock, type SiteName } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import { alpha, beta } from '../fixtures/plan.fixture.js';
import { settled } from '../fixtures/world.fixture.js';
import type { SentEvidence } from '../ledger/evidence.js';
import { OfferProof } from './proof.js';

const evidence: SentEvidence = { entry: Buffer.alloc(0), index: 0, checkpoint: Buffer.alloc(0), inclusion: [] };

/** A desk that answers when the test says so. */
function desk() {
  const sought: {
    subject: string;
    site: SiteName;
    answer: (found: SentEvidence | Fault) => void;
    signal: AbortSignal;
  }[] = [];
  const seek = (subject: string, _: unknown, site: SiteName, signal: AbortSignal): Promise<SentEvidence> =>
    new Promise((resolve, reject) => {
      const answer = (found: SentEvidence | Fault): void => (Fault.is(found) ? reject(found) : resolve(found));
      sought.push({ subject, site, answer, signal });
    });
  const clock = new ManualClock();
  const told: unknown[] = [];
  const proof = new OfferProof({ seek }, {} as never, clock, {
    found: (site, ms) => told.push([site, ms]),
    failed: (error) => told.push(error),
  });
  return { sought, told, proof, clock };
}

describe('the evidence for an offer', () => {
  it('is sought once for each site and tells when it has come, and how long that took', async () => {
    const { sought, told, proof, clock } = desk();
    for (const site of [alpha, beta, alpha]) expect(proof.of('round 1', site)).toBeUndefined();
    expect(sought.map(({ site }) => site)).toEqual([alpha, beta]);
    clock.advance(12);
    sought[0]!.answer(evidence);
    await settled();
    expect(told).toEqual([[alpha, 12]]);
    expect(proof.of('round 1', alpha)).toBe(evidence);
    expect(proof.of('round 1', beta)).toBeUndefined();
    expect(sought).toHaveLength(2);
  });

  it('is given up when the run has something else to offer, and what comes late is left out', async () => {
    const { sought, told, proof } = desk();
    proof.of('round 1', alpha);
    proof.of('round 2', alpha);
    expect(sought.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    sought[0]!.answer(evidence);
    await settled();
    expect(told).toEqual([]);
    expect(proof.of('round 2', alpha)).toBeUndefined();
    sought[1]!.answer(evidence);
    await settled();
    expect(proof.of('round 2', alpha)).toBe(evidence);
  });

  it('that cannot be had is told, and sought again when it is asked for again', async () => {
    const { sought, told, proof } = desk();
    proof.of('round 1', alpha);
    sought[0]!.answer(new Fault('LEDGER_CORRUPT'));
    await settled();
    expect(told).toMatchObject([{ code: 'LEDGER_CORRUPT' }]);
    proof.of('round 1', alpha);
    expect(sought).toHaveLength(2);
  });

  it('is sought no more when the run is closed', async () => {
    const { sought, told, proof } = desk();
    proof.of('round 1', alpha);
    proof.close();
    expect(sought[0]!.signal.aborted).toBe(true);
    sought[0]!.answer(new Fault('CANCELLED'));
    await settled();
    expect(told).toEqual([]);
  });
});
