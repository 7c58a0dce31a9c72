import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SmallFederation } from '../../apps/auditor/src/testing/federation.fixture.js';
import { hasPython, onDisk, unseenByPython } from '../harness/verifiers.js';

describe.skipIf(!hasPython)('the second verifier (skipped where python3 or openssl is absent)', () => {
  it('finds each of 10,000 random flips of a bit', async () => {
    const { bundle, parties } = await SmallFederation.run();
    const desk = await onDisk(bundle, parties.policy);
    const seed = Date.now();
    try {
      expect(await unseenByPython(bundle, desk, 10_000, seed), `seed ${seed}`).toEqual([]);
    } finally {
      rmSync(desk.folder, { recursive: true, force: true });
    }
  });
});
