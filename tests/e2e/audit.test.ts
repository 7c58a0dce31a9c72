import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FolderBundle } from '../../apps/auditor/src/bundle/folder.js';
import { SmallFederation } from '../../apps/auditor/src/testing/federation.fixture.js';
import { forkOf } from '../../apps/auditor/src/testing/fork.fixture.js';
import { CONSILIUM, Program } from '../harness/program.js';
import { auditReport, hasPython, onDisk, pythonReport, unseenByPython, VERIFY } from '../harness/verifiers.js';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));
const kept = <T extends { folder: string }>(made: T): T => (folders.push(made.folder), made);

describe.skipIf(!hasPython)('two verifiers that share no code (skipped where python3 or openssl is absent)', () => {
  let federation: SmallFederation;
  let desk: Awaited<ReturnType<typeof onDisk>>;
  beforeAll(async () => {
    federation = await SmallFederation.run();
    desk = kept(await onDisk(federation.bundle, federation.parties.policy));
  });

  it('both pass an honest federation, and both fail it without a policy', async () => {
    expect(await auditReport(desk.bundle, desk.policy)).toMatchObject({ verdict: 'pass', findings: [] });
    expect(await pythonReport(desk.bundle, desk.policy)).toMatchObject({ verdict: 'pass', findings: [] });
    for (const report of [auditReport, pythonReport])
      expect(await report(desk.bundle, null)).toMatchObject({
        verdict: 'fail',
        findings: [{ code: 'POLICY_MISSING' }],
      });
  });

  it('of which the one in Python finds each of 1,000 random flips of a bit', async () => {
    const seed = Date.now();
    expect(await unseenByPython(federation.bundle, desk, 1000, seed), `seed ${seed}`).toEqual([]);
  });

  it('of which a Python one that believes every signature misses flips, so the flips do test signatures', async () => {
    const source = readFileSync(VERIFY, 'utf8');
    const broken = source.replace('return len(signature) == 64 and holds(', 'return True or holds(');
    expect(broken).not.toBe(source);
    const script = join(desk.folder, 'broken.py');
    writeFileSync(script, broken);
    const missed = await unseenByPython(federation.bundle, desk, 1000, 1, script);
    expect(missed.length).toBeGreaterThan(0);
    expect(missed.every(({ path }) => path.endsWith('/checkpoint'))).toBe(true);
  });

  /** What somebody does to a bundle on disk. */
  const tampering: readonly (readonly [string, (bundle: string) => void])[] = [
    ['a site’s log taken out', (bundle) => rmSync(join(bundle, 'logs/lung/site/berlin'), { recursive: true })],
    ['a tile taken out', (bundle) => rmSync(join(bundle, 'logs/lung/coordinator/2026/tile/0'), { recursive: true })],
    ['all documents taken out', (bundle) => rmSync(join(bundle, 'documents'), { recursive: true })],
    ['a file put in', (bundle) => writeFileSync(join(bundle, 'documents', `${'0'.repeat(64)}.json`), '{}')],
    ['a note put in', (bundle) => writeFileSync(join(bundle, 'README'), 'all is well')],
  ];
  it.each(tampering)('both fail a bundle with %s', async (_, tamper) => {
    const folder = mkdtempSync(join(tmpdir(), 'consilium-tampered-'));
    folders.push(folder);
    cpSync(desk.bundle, join(folder, 'bundle'), { recursive: true });
    tamper(join(folder, 'bundle'));
    for (const report of [auditReport, pythonReport])
      expect((await report(join(folder, 'bundle'), desk.policy)).verdict).toBe('fail');
  });

  it('both fail an invented federation, and an older bundle of the right one', async () => {
    const invented = kept(await onDisk((await SmallFederation.run()).bundle, {}));
    for (const report of [auditReport, pythonReport])
      expect((await report(invented.bundle, desk.policy)).verdict).toBe('fail');

    const { hub, logs, parties } = federation;
    const seen = { origin: hub.origin, size: hub.size + 1, root: hub.rootAt(hub.size) };
    const policy = join(desk.folder, 'later.json');
    writeFileSync(policy, JSON.stringify({ ...parties.policy, checkpoints: [seen] }));
    expect(logs.size).toBe(4);
    for (const report of [auditReport, pythonReport])
      expect(await report(desk.bundle, policy)).toMatchObject({ findings: [{ code: 'ROLLED_BACK' }] });
  });
});

describe('a coordinator that shows two histories', () => {
  it('is convicted by the two bundles: the evidence verifies by itself', async () => {
    const { left, right, parties } = await forkOf({ at: 6, left: 3, right: 4 });
    const [a, b] = [kept(await onDisk(left, parties.policy)), kept(await onDisk(right, parties.policy))];
    const file = join(a.folder, 'equivocation.json');
    const compare = Program.node(CONSILIUM, ['audit', 'compare', a.bundle, b.bundle, '--out', file]);
    expect(await compare.exit(), compare.output).toBe(1);
    const verify = Program.node(CONSILIUM, ['audit', 'compare', '--verify', file, '--policy', a.policy]);
    expect(await verify.exit(), verify.output).toBe(0);
  });
});

describe('the federation of `consilium up`', () => {
  const state = mkdtempSync(join(tmpdir(), 'consilium-audited-'));
  const bundle = join(state, 'fetched');
  const policy = join(state, 'policy');
  folders.push(state);
  beforeAll(async () => {
    const up = Program.node(CONSILIUM, ['up', '--once', '--json', '--sites', '3', '--rounds', '2', '--state', state]);
    expect(await up.exit(280_000), up.output).toBe(0);
    const fetch = Program.node(CONSILIUM, ['audit', 'fetch', '--state', state, '--out', bundle]);
    expect(await fetch.exit(), fetch.output).toBe(0);
  });

  it('passes the audit of its own bundle, and every model is computed again', async () => {
    const report = await auditReport(bundle, policy);
    expect(report).toMatchObject({ verdict: 'pass', findings: [] });
    const { summary } = report as unknown as { summary: { runs: { rounds: { derivation: string }[] }[] } };
    expect(summary.runs[0]!.rounds.map(({ derivation }) => derivation)).toEqual(['re-derived', 're-derived']);
  });

  it.skipIf(!hasPython)('passes the second verifier too, which finds every flip in it', async () => {
    expect(await pythonReport(bundle, join(policy, 'policy.json'))).toMatchObject({ verdict: 'pass', findings: [] });
    const desk = { folder: state, bundle, policy: join(policy, 'policy.json') };
    expect(await unseenByPython(await FolderBundle.open(bundle), desk, 100, Date.now())).toEqual([]);
  });

  it.skipIf(!canUnshare())('is audited without a network (skipped where network namespaces are denied)', async () => {
    expect(await auditReport(bundle, policy, ['unshare', '--net', '--map-root-user'])).toMatchObject({
      verdict: 'pass',
    });
  });
});

function canUnshare(): boolean {
  return spawnSync('unshare', ['--net', '--map-root-user', 'true']).status === 0;
}
