import { COSIGNATURE, LOG_SIGNATURE, openCheckpoint, parseVerifierKey } from '@consilium/ledger';
import type { Digest } from '@consilium/stdx';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Bundle } from '../bundle/bundle.js';
import { SmallFederation } from '../testing/federation.fixture.js';
import { flipped, randomFlips, type Flip } from '../testing/flips.fixture.js';
import { audit } from './audit.js';
import { nodeTools, type Tools } from './tools.js';

/** The smallest run that has everything: three sites, one round. */
const SMALLEST = {
  sites: ['aarhus', 'berlin', 'cluj'],
  plan: { rounds: { count: 1, minSites: 2, deadlineSeconds: 600 } },
};

let federation: SmallFederation;
let bundle: Bundle;
beforeAll(async () => {
  federation = await SmallFederation.run(SMALLEST);
  bundle = federation.bundle;
});

const seed = Date.now();

const auditOf = async (flip: Flip, tools: Tools) =>
  audit(await flipped(bundle, flip), federation.parties.policy, tools);

/** The flips that the audit does not notice. The tools remember what did not change from one flip to the next. */
async function unnoticed(flips: readonly Flip[], tools = nodeTools()): Promise<readonly Flip[]> {
  const missed: Flip[] = [];
  for (const flip of flips) if ((await auditOf(flip, tools)).verdict === 'pass') missed.push(flip);
  return missed;
}

describe('one bit of the evidence', () => {
  it('cannot change unseen: 10,000 random flips over all files are all found', async () => {
    expect((await audit(bundle, federation.parties.policy, nodeTools())).verdict).toBe('pass');
    expect(await unnoticed(await randomFlips(bundle, 10_000, seed)), `seed ${seed}`).toEqual([]);
  }, 600_000);

  it('is found in every file, at its first and at its last bit', async () => {
    const edges: Flip[] = [];
    for (const path of bundle.paths) {
      const bits = (await bundle.read(path))!.byteLength * 8;
      edges.push({ path, bit: 0 }, { path, bit: bits - 1 });
    }
    expect(await unnoticed(edges)).toEqual([]);
  }, 120_000);

  it('gives the same findings whether the tools remember earlier audits or nothing', async () => {
    const shared = nodeTools();
    for (const flip of await randomFlips(bundle, 60, seed + 1))
      expect((await auditOf(flip, shared)).findings).toEqual((await auditOf(flip, nodeTools())).findings);
  }, 120_000);
});

describe('a verifier that was broken on purpose', () => {
  it('misses flips when it believes the name of a file instead of hashing it', async () => {
    // Without kept updates nothing but its SHA-256 vouches for a model; with them it is also computed again.
    const { bundle: attested, parties } = await SmallFederation.run({
      ...SMALLEST,
      plan: { ...SMALLEST.plan, audit: { retainUpdates: false } },
    });
    const flips = (await randomFlips(attested, 400, seed + 2)).filter(({ path }) => path.startsWith('models/'));
    const tools = nodeTools();
    const believed = new Map<Uint8Array, string>();
    const gullible: Tools = { ...tools, digest: (bytes) => (believed.get(bytes) as Digest) ?? tools.digest(bytes) };
    for (const flip of flips) {
      const changed = await flipped(attested, flip);
      expect((await audit(changed, parties.policy, tools)).verdict).toBe('fail');
      believed.set((await changed.read(flip.path))!, /[0-9a-f]{64}/.exec(flip.path)![0]);
      expect((await audit(changed, parties.policy, gullible)).verdict).toBe('pass');
    }
    expect(flips.length).toBeGreaterThan(0);
  }, 120_000);

  it('misses flips in signature lines when it passes over lines of unknown keys', async () => {
    const path = bundle.paths.find((one) => one.endsWith('/coordinator/2026/checkpoint'))!;
    const note = Buffer.from((await bundle.read(path))!);
    // In the name of the last cosigner: to a lenient reader the line is then a stranger's.
    const flip: Flip = { path, bit: (note.lastIndexOf('— ') + Buffer.byteLength('— ')) * 8 };
    expect((await auditOf(flip, nodeTools())).findings).toMatchObject([{ code: 'LEDGER_SIGNATURE_INVALID' }]);

    const lenient = nodeTools();
    lenient.checks.now = <T>(key: string, compute: () => T): T =>
      key.startsWith('note') ? (openLeniently(key) as T) : compute();
    expect((await auditOf(flip, lenient)).verdict).toBe('pass');
  });

  /** The note and the keys as the audit asks for them, opened without strictness. */
  function openLeniently(key: string): ReturnType<typeof openCheckpoint> {
    const [, ...lines] = key.split('\n');
    const keys = lines.filter((line) => /^[^ ]+\+[0-9a-f]{8}\+/.test(line)).map(parseVerifierKey);
    const note = `${lines.slice(0, lines.length - keys.length).join('\n')}`;
    return openCheckpoint(
      note,
      keys.filter(({ type }) => type === LOG_SIGNATURE),
      keys.filter(({ type }) => type === COSIGNATURE),
      { strict: false },
    );
  }
});
