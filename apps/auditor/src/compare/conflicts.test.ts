import { encodeEquivocation, verifyEquivocation } from '@consilium/ledger';
import { beforeAll, describe, expect, it } from 'vitest';
import { MemoryBundle } from '../bundle/bundle.js';
import { forkOf, type Fork } from '../testing/fork.fixture.js';
import { newParties } from '../testing/parties.fixture.js';
import { conflictsBetween } from './conflicts.js';
import { isTrustedKey, trustedKeys } from './trusted.js';

let fork: Fork;
beforeAll(async () => void (fork = await forkOf({ at: 5, left: 3, right: 7 })));

describe('two bundles of a coordinator that forked its log', () => {
  it('give evidence that verifies, whichever is named first', async () => {
    for (const [a, b] of [
      [fork.left, fork.right],
      [fork.right, fork.left],
    ] as const) {
      const { conflicts } = await conflictsBetween(a, b, undefined);
      expect(conflicts.map(({ origin }) => origin)).toEqual(['lung/coordinator/2026']);
      expect(verifyEquivocation(JSON.parse(encodeEquivocation(conflicts[0]!.evidence)), fork.key)).toBe(true);
    }
  });

  it('give it at every place of the fork and every length after it', async () => {
    for (const at of [1, 2, 4, 8]) {
      for (const [left, right] of [
        [1, 1],
        [1, 5],
        [6, 2],
      ] as const) {
        const { left: a, right: b, key } = await forkOf({ at, left, right });
        const { conflicts } = await conflictsBetween(a, b, undefined);
        expect(verifyEquivocation(conflicts[0]?.evidence, key), `fork at ${at}, ${left} and ${right} entries`).toBe(
          true,
        );
      }
    }
  });

  it('convince nobody of another key, or once a letter of the evidence is changed', async () => {
    const { conflicts } = await conflictsBetween(fork.left, fork.right, undefined);
    const { evidence } = conflicts[0]!;
    const stranger = (await forkOf({ at: 2, left: 1, right: 1 })).key;
    expect(verifyEquivocation(evidence, stranger)).toBe(false);
    expect(verifyEquivocation({ ...evidence, second: evidence.first }, fork.key)).toBe(false);
  });

  it('are compared under a policy’s key only, where one is given', async () => {
    const { conflicts } = await conflictsBetween(fork.left, fork.right, trustedKeys(fork.parties.policy));
    expect(conflicts).toHaveLength(1);
    const { policy } = await newParties(['aarhus']);
    await expect(conflictsBetween(fork.left, fork.right, trustedKeys(policy))).rejects.toMatchObject({
      code: 'LEDGER_SIGNATURE_INVALID',
    });
  });
});

describe('two bundles of an honest coordinator', () => {
  it('have no conflict where one is the beginning of the other', async () => {
    expect(await conflictsBetween(fork.common, fork.left, undefined)).toMatchObject({ compared: 1, conflicts: [] });
    expect(await conflictsBetween(fork.left, fork.common, undefined)).toMatchObject({ conflicts: [] });
  });

  it('have none with themselves', async () => {
    expect(await conflictsBetween(fork.left, fork.left, undefined)).toMatchObject({ conflicts: [] });
  });

  it('are NOT_FOUND to compare where they share no log', async () => {
    await expect(conflictsBetween(fork.left, new MemoryBundle(new Map()), undefined)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

describe('a trusted key', () => {
  it('is the policy’s, under a log of the same owner', () => {
    const trusted = trustedKeys(fork.parties.policy);
    expect(trusted.map(({ name }) => name)).toEqual(['lung/coordinator', 'lung/site/aarhus', 'lung/site/berlin']);
    expect(isTrustedKey(fork.key, trusted)).toBe(true);
    expect(isTrustedKey({ ...fork.key, name: 'lung/site/aarhus/2026' }, trusted)).toBe(false);
    expect(isTrustedKey({ ...fork.key, publicKey: new Uint8Array(32) }, trusted)).toBe(false);
  });
});
