import type { Policy } from '@consilium/identity';
import { beforeAll, describe, expect, it } from 'vitest';
import { logFolder, MemoryBundle, pathOn, type Bundle } from '../bundle/bundle.js';
import type { FindingCode } from '../findings.js';
import type { Deviations } from '../testing/deviations.fixture.js';
import { SmallFederation } from '../testing/federation.fixture.js';
import { newParties } from '../testing/parties.fixture.js';
import { audit, reportWithoutPolicy, type Report } from './audit.js';
import { nodeTools } from './tools.js';

const ONE_ROUND = { rounds: { count: 1, minSites: 2, deadlineSeconds: 600 } };

/** Shared by all audits here, which therefore verify each signature once. */
const tools = nodeTools();

let honest: SmallFederation;
let files: ReadonlyMap<string, Uint8Array>;
beforeAll(async () => {
  honest = await SmallFederation.run();
  files = await filesOf(honest.bundle);
});

async function filesOf(bundle: Bundle): Promise<ReadonlyMap<string, Uint8Array>> {
  return new Map(await Promise.all(bundle.paths.map(async (path) => [path, (await bundle.read(path))!] as const)));
}

const auditOf = (
  of: Iterable<readonly [string, Uint8Array]>,
  policy: Policy = honest.parties.policy,
): Promise<Report> => audit(new MemoryBundle(new Map(of)), policy, tools);
const codes = ({ findings }: Report): readonly FindingCode[] => [...new Set(findings.map(({ code }) => code))];
const without = (wanted: (path: string) => boolean) => [...files].filter(([path]) => !wanted(path));

describe('the audit of an honest federation', () => {
  it('passes, and has computed every model again to the bit', async () => {
    const { verdict, findings, summary } = await auditOf(files);
    expect(findings).toEqual([]);
    expect(verdict).toBe('pass');
    expect(summary.runs).toHaveLength(1);
    expect(summary.runs[0]).toMatchObject({ outcome: 'finished', study: 'lung-nodule', quorum: 3 });
    expect(summary.runs[0]!.rounds.map(({ derivation }) => derivation)).toEqual(['re-derived', 're-derived']);
    expect(summary.runs[0]!.approvals[0]!.roles).toEqual(['operator', 'data-protection-officer']);
    expect(summary.logs).toHaveLength(5);
  });

  it('gives the same report again, byte for byte', async () => {
    expect(JSON.stringify(await auditOf(files))).toBe(JSON.stringify(await auditOf(files)));
  });

  it('says “attested” of models whose updates were not kept, and passes', async () => {
    const { bundle, parties } = await SmallFederation.run({ plan: { audit: { retainUpdates: false } } });
    const { verdict, summary } = await auditOf(await filesOf(bundle), parties.policy);
    expect(verdict).toBe('pass');
    expect(summary.runs[0]!.rounds.map(({ derivation }) => derivation)).toEqual(
      Array(2).fill('attested, not re-derived'),
    );
  });

  it('sums what each site sent, to the byte', async () => {
    const { summary } = await auditOf(files);
    const updates = summary.egress.filter(({ message }) => message === 'update');
    const kept = [...files].filter(([path]) => path.startsWith('retained/')).map(([, bytes]) => bytes.byteLength);
    expect(updates.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(kept.reduce((sum, bytes) => sum + bytes, 0));
    expect(updates.map(({ site, messages }) => [site, messages])).toEqual(
      ['aarhus', 'berlin', 'cluj', 'delft'].map((site) => [site, 2]),
    );
  });
});

describe('a policy', () => {
  it('is needed: a bundle cannot vouch for itself', () => {
    expect(reportWithoutPolicy('POLICY_MISSING', 'none')).toMatchObject({
      verdict: 'fail',
      findings: [{ code: 'POLICY_MISSING', entry: null }],
    });
  });

  it('refuses an invented federation, however consistent', async () => {
    const invented = await SmallFederation.run();
    const report = await auditOf(await filesOf(invented.bundle));
    expect(report.verdict).toBe('fail');
    expect(codes(report)).toContain('LEDGER_SIGNATURE_INVALID');
  });

  it('refuses the right keys under another root', async () => {
    const { root } = await newParties(['aarhus']);
    const report = await auditOf(files, { ...honest.parties.policy, root: root.certificatePem });
    expect(codes(report)).toEqual(expect.arrayContaining(['ROSTER_INVALID', 'FEDERATION_FOREIGN', 'KEY_FOREIGN']));
  });

  it('refuses another federation’s name', async () => {
    expect(codes(await auditOf(files, { ...honest.parties.policy, federation: 'heart' }))).toContain('LOG_UNKNOWN');
  });

  it('that has seen more finds an older bundle, however valid, rolled back', async () => {
    const federation = await SmallFederation.run();
    const older = await filesOf(federation.bundle);
    federation.hub.record({ type: 'audit.read', person: 'person-auditor000000', page: 'report' });
    await federation.settle();
    const { hub, parties } = federation;
    const checkpoints = [{ origin: hub.origin, size: hub.size, root: hub.rootAt(hub.size) }];
    const policy = { ...parties.policy, checkpoints };
    expect((await auditOf(await filesOf(federation.bundle), policy)).verdict).toBe('pass');
    expect((await auditOf(older, parties.policy)).verdict).toBe('pass');
    expect(codes(await auditOf(older, policy))).toEqual(['ROLLED_BACK']);
  });

  it('that has seen another past finds history rewritten', async () => {
    const { hub, parties } = honest;
    const checkpoints = [{ origin: hub.origin, size: 3, root: hub.rootAt(4) }];
    expect(codes(await auditOf(files, { ...parties.policy, checkpoints }))).toEqual(['HISTORY_REWRITTEN']);
  });

  it('that has seen the beginning of each log agrees with it', async () => {
    const { hub, logs, parties } = honest;
    const checkpoints = [hub, ...logs.values()].map(({ origin, rootAt }) => ({ origin, size: 3, root: rootAt(3) }));
    expect((await auditOf(files, { ...parties.policy, checkpoints })).verdict).toBe('pass');
  });
});

describe('evidence that is missing', () => {
  it('is named: a site’s log', async () => {
    const report = await auditOf(without((path) => path.startsWith(logFolder('lung/site/berlin/2026'))));
    expect(report.findings).toMatchObject([{ code: 'LOG_MISSING', expected: 'the log of lung/site/berlin' }]);
  });

  it('is named: the coordinator’s log, without which nothing else is said', async () => {
    const report = await auditOf(without((path) => path.startsWith(logFolder('lung/coordinator/2026'))));
    expect(codes(report)).toEqual(['LOG_MISSING']);
  });

  it('is named: a tile', async () => {
    const report = await auditOf(without((path) => path.includes('coordinator') && path.includes('tile/entries')));
    expect(codes(report)).toContain('LEDGER_CORRUPT');
  });

  it.each([
    ['documents', 'DOCUMENT_MISSING'],
    ['models', 'MODEL_MISSING'],
    ['retained', 'UPDATE_MISSING'],
  ] as const)('is named: each of the %s', async (folder, code) => {
    for (const gone of [...files.keys()].filter((path) => path.startsWith(folder))) {
      const report = await auditOf(without((path) => path === gone));
      // A missing roster takes the sites' keys along; any other document is just missing.
      if (gone !== pathOn('document', honest.parties.rosterDigest)) expect(codes(report), gone).toContain(code);
      expect(report.verdict).toBe('fail');
    }
  });
});

describe('files that nothing leads to', () => {
  it.each([['notes.txt'], ['documents/readme.json'], ['logs/lung/coordinator/2026/tile/0/001'], ['keys/root.key']])(
    'are found: %s',
    async (path) => {
      const { findings } = await auditOf([...files, [path, new Uint8Array([1])]]);
      expect(findings).toMatchObject([{ code: 'FILE_UNREFERENCED', found: path }]);
    },
  );

  it('are found though they are what their name says', async () => {
    const federation = await SmallFederation.run();
    federation.shelve('document', new TextEncoder().encode('{}'));
    federation.shelve('model', new Uint8Array(8));
    const report = await auditOf(await filesOf(federation.bundle), federation.parties.policy);
    expect(report.findings.map(({ code }) => code)).toEqual(['FILE_UNREFERENCED', 'FILE_UNREFERENCED']);
  });
});

describe('a federation that did wrong', () => {
  const wrong: readonly (readonly [string, Deviations, readonly FindingCode[]])[] = [
    ['a plan that only its proposer signed', { planSigners: ['proposer'] }, ['PLAN_NOT_SIGNED']],
    ['a plan that only an admin signed', { planSigners: ['admin'] }, ['PLAN_NOT_SIGNED']],
    ['an approval without the site’s people', { withoutPeople: 'berlin' as never }, ['APPROVAL_INVALID']],
    [
      'an approval of another plan',
      { approval: (one) => ({ ...one, plan: '0'.repeat(64) as never }) },
      ['APPROVAL_INVALID'],
    ],
    [
      'an approval of another run',
      { approval: (one) => ({ ...one, run: 'run-0000000000' as never }) },
      ['APPROVAL_INVALID'],
    ],
    [
      'an approval for other data',
      { approval: (one) => ({ ...one, dataset: '1'.repeat(64) as never }) },
      ['APPROVAL_INVALID'],
    ],
    [
      'rounds after an approval’s end',
      { approval: (one) => ({ ...one, expiresMs: one.atMs + 1 }) },
      ['APPROVAL_EXPIRED'],
    ],
    [
      'a plan whose ethics approval had ended',
      {
        plan: {
          governance: {
            legalBasis: 'gdpr-6-1-e-9-2-j',
            ethics: { number: 'EK 1', authority: 'Board', expires: '2026-03-01' },
            jurisdictions: ['DE'],
            dataContract: { modality: 'CT', minPatients: 10, deidentified: true },
          },
        },
      },
      ['PLAN_NOT_IN_FORCE'],
    ],
    [
      'a plan that does not allow the sites’ country',
      {
        plan: {
          governance: {
            legalBasis: 'gdpr-6-1-e-9-2-j',
            ethics: { number: 'EK 1', authority: 'Board', expires: '2027-03-01' },
            jurisdictions: ['DK'],
            dataContract: { modality: 'CT', minPatients: 10, deidentified: true },
          },
        },
      },
      ['PLAN_NOT_IN_FORCE'],
    ],
    ['a model that is not the aggregate', { model: (bytes) => changedLast(bytes) }, ['AGGREGATE_DIFFERS']],
    ['an update that no log says was sent', { silentEgress: 'cluj' as never }, ['UPDATE_NOT_SENT']],
    ['an update after its site had withdrawn', { withdrawn: 'delft' as never }, ['APPROVAL_WITHDRAWN']],
    [
      'an update that came and was neither counted nor dropped',
      { uncounted: 'berlin' as never },
      ['TRANSITION_REFUSED', 'MODEL_CHAIN_BROKEN', 'OUTCOME_DIFFERS', 'UPDATE_NOT_RECEIVED'],
    ],
    ['more rounds than a standing approval covers', { standingRounds: 1 }, ['APPROVAL_INVALID']],
    [
      'a standing approval that the site’s people never signed',
      { standingRounds: 10, withoutPeople: 'aarhus' as never },
      ['APPROVAL_INVALID'],
    ],
    ['offers that two of four sites witnessed', { cosigners: 2 }, ['OFFER_NOT_WITNESSED']],
  ];

  it.each(wrong)('is found out: %s', async (_, deviations, expected) => {
    const { bundle, parties } = await SmallFederation.run(deviations);
    expect(codes(await auditOf(await filesOf(bundle), parties.policy))).toEqual(expected);
  });

  it('and whose quorum of three of four sites witnessed each offer passes', async () => {
    const { bundle, parties } = await SmallFederation.run({ cosigners: 3 });
    expect(codes(await auditOf(await filesOf(bundle), parties.policy))).toEqual([]);
  });

  it('and whose sites approved under a standing approval passes', async () => {
    const { bundle, parties } = await SmallFederation.run({ standingRounds: 2 });
    expect(codes(await auditOf(await filesOf(bundle), parties.policy))).toEqual([]);
  });

  /** The last value of a safetensors file, made another finite one. */
  function changedLast(bytes: Uint8Array): Uint8Array {
    const changed = bytes.slice();
    new DataView(changed.buffer).setFloat32(changed.byteLength - 4, 0.5, true);
    return changed;
  }
});

describe('a bundle that was made while a round ran', () => {
  it.each<[string, Deviations]>([
    ['an update that the coordinator has not counted yet', { uncounted: 'berlin' as never }],
    ['an update that no checkpoint of its site covers yet', { silentEgress: 'berlin' as never, plan: ONE_ROUND }],
  ])('passes, and notes %s', async (_, deviations) => {
    const { bundle, parties } = await SmallFederation.run({ ...deviations, unfinished: true });
    const { verdict, findings, summary } = await auditOf(await filesOf(bundle), parties.policy);
    expect(findings).toEqual([]);
    expect(verdict).toBe('pass');
    expect(summary.notes.join()).toMatch(/the update of round [12], attempt 1, by berlin was under way/);
    expect(summary.runs[0]!.outcome).toBe('not ended (training)');
  });
});
