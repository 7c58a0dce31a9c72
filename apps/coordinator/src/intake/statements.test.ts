import type { UpdateStatement } from '@consilium/identity';
import { manifestOf } from '@consilium/model';
import { Fault, type Digest, type RunId, type SiteName, type StudyName } from '@consilium/stdx';
import type { UpdateHeader } from '@consilium/wire';
import { describe, expect, it } from 'vitest';
import { keyOf, siteKey } from '../fixtures/keys.fixture.js';
import { alpha, beta, planOf } from '../fixtures/plan.fixture.js';
import { headerOf } from '../fixtures/scripted-site.fixture.js';
import { SiteHand } from '../fixtures/site-hand.fixture.js';
import { chunksOf, updateBytes } from '../fixtures/updates.fixture.js';
import { MemoryWorld, settled } from '../fixtures/world.fixture.js';
import { requireStatement } from './statements.js';

const { plan, record } = planOf();
const manifest = manifestOf(plan.model);
const terms = { plan, record, manifest };
const bytes = updateBytes(manifest, 'alpha');
const digest = (digit: string): Digest => digit.repeat(64) as Digest;
const metrics = [
  { name: 'METRIC_NAME_AUC', value: 0.75, _value: 'value' },
  { name: 'METRIC_NAME_SENSITIVITY' },
] as UpdateHeader['metrics'];
const header = (change: Partial<UpdateHeader> = {}): UpdateHeader => ({
  ...headerOf(bytes),
  round: { run: 'run-0000000001', round: 2, attempt: 3 },
  planDigest: record.digest,
  modelDigest: digest('c'),
  metrics,
  ...change,
});
/** What the site says, over a header that says the same. */
const signed = (change: Partial<UpdateStatement> = {}, key = siteKey(alpha), of: Partial<UpdateHeader> = {}) => {
  const said = header(of);
  const statement = new SiteHand(alpha).statement({ ...said, round: said.round! }, manifest, null, change, key);
  return { ...said, statement };
};
const stood = { stoodIn: async () => true };
const refusal = (said: UpdateHeader, evidence = stood, site: SiteName = alpha) =>
  requireStatement(site, said, terms, evidence).then(
    () => 'accepted',
    (error: { code: string; facts: Record<string, unknown> }) =>
      `${error.code} ${error.facts['field'] ?? error.facts['because']}`,
  );

describe('what a site signs about its update', () => {
  it('is taken when it says what the header and the plan say', async () => {
    expect(await refusal(signed())).toBe('accepted');
    expect(await refusal(signed({}, siteKey(alpha), { metrics: [] }))).toBe('accepted');
  });

  const others: Partial<UpdateStatement>[] = [
    { federation: 'elsewhere' },
    { study: 'another' as StudyName },
    { plan: digest('d') },
    { run: 'run-0000000002' as RunId },
    { round: 1 },
    { attempt: 2 },
    { site: beta },
    { model: digest('e') },
    { manifest: digest('e') },
    { sha256: digest('e') },
    { length: bytes.byteLength - 1 },
    { examples: 101 },
    { loss: 0.4 },
    { metrics: null },
    { metrics: { auc: 0.76 } },
    { metrics: { auc: 0.75, loss: 1 } },
  ];
  it.each(others.map((change) => [Object.keys(change)[0]!, change] as const))(
    'is refused when its %s is another one',
    async (field, change) => expect(await refusal(signed(change))).toBe(`UPDATE_STATEMENT_INVALID ${field}`),
  );

  it('is refused when it was signed by anybody else, or changed, or is missing', async () => {
    expect(await refusal(signed({}, keyOf('a thief')))).toBe('UPDATE_STATEMENT_INVALID SIGNATURE_INVALID');
    expect(await refusal(signed({}, siteKey(beta)))).toBe('UPDATE_STATEMENT_INVALID SIGNATURE_INVALID');
    const { statement } = signed();
    const changed = Buffer.from(statement);
    changed[40]! ^= 1;
    expect(await refusal(header({ statement: changed }))).toMatch(
      /^UPDATE_STATEMENT_INVALID (ENVELOPE|SIGNATURE)_INVALID$/,
    );
    expect(await refusal(header())).toBe('UPDATE_STATEMENT_INVALID statement');
    expect(await refusal(header({ statement: Buffer.alloc(17_000) }))).toBe('UPDATE_STATEMENT_INVALID statement');
    expect(await refusal(header({ statement: Buffer.from('{}') }))).toBe('UPDATE_STATEMENT_INVALID ENVELOPE_INVALID');
  });

  it('is refused when the site saw its offer in no checkpoint of ours', async () => {
    const asked: unknown[] = [];
    const stoodIn = async (...what: unknown[]): Promise<boolean> => asked.push(what) > 9;
    const saw = { checkpoint: { size: 7, root: digest('7') } };
    expect(await refusal(signed(saw), { stoodIn })).toBe('UPDATE_STATEMENT_INVALID checkpoint');
    expect(asked).toEqual([['round.offered run-0000000001 2 3', { size: 7, root: digest('7') }]]);
  });
});

describe('an update with its statement', () => {
  async function reporting(audit = false) {
    const world = new MemoryWorld();
    const { id } = await world.start(audit ? { retainUpdates: true } : {});
    for (const site of [alpha, beta]) await world.connect(site);
    const active = world.conductor.find(id)!;
    for (const site of [alpha, beta]) await active.feed({ of: 'run', event: { type: 'plan-approved', site } });
    const announce = (round: number, attempt: number, site: SiteName = alpha): UpdateHeader => {
      const of = { planDigest: active.terms.record.digest, modelDigest: active.course.round!.baseDigest };
      const said = { ...headerOf(bytes), round: { run: id, round, attempt }, ...of };
      return { ...said, statement: new SiteHand(site).statement(said, manifest, null) };
    };
    return { world, id, active, announce };
  }

  it('is committed with the digest of the document that the site signed', async () => {
    const { world, announce } = await reporting();
    const said = announce(1, 1);
    await world.intake.upload(alpha, said, chunksOf(bytes));
    const told = world.events.find(({ type }) => type === 'update.committed');
    expect(told).toMatchObject({ site: alpha, round: 1, attempt: 1, sha256: said.sha256, bytes: bytes.byteLength });
    const statement = await world.ledger.readDocument((told as { statement: Digest }).statement);
    expect(Buffer.from(statement)).toEqual(said.statement);
  });

  it.each([false, true])('is not taken again in another attempt, also not after a restart (%s)', async (restarted) => {
    const { world, id, active, announce } = await reporting();
    const first = announce(1, 1);
    await active.feedRound({ number: 1, attempt: 1 }, { type: 'deadline-passed' });
    if (restarted) await world.restart();
    for (const site of [alpha, beta]) await world.connect(site);
    const replayed = { ...first, round: { run: id, round: 1, attempt: 2 } };
    await expect(world.intake.upload(alpha, replayed, chunksOf(bytes))).rejects.toMatchObject({
      code: 'UPDATE_STATEMENT_INVALID',
      facts: { field: 'attempt' },
    });
    // Positive control: what the site signs for this attempt is taken.
    expect(await world.intake.upload(alpha, announce(1, 2), chunksOf(bytes))).toMatchObject({ duplicate: false });
  });

  it('is not taken in a second run of the plan', async () => {
    const { world, announce } = await reporting();
    const first = announce(1, 1);
    await world.intake.upload(alpha, first, chunksOf(bytes));
    const second = await world.start();
    await settled();
    const active = world.conductor.find(second.id)!;
    for (const site of [alpha, beta]) await active.feed({ of: 'run', event: { type: 'plan-approved', site } });
    const replayed = { ...first, round: { run: second.id, round: 1, attempt: 1 } };
    await expect(world.intake.upload(alpha, replayed, chunksOf(bytes))).rejects.toMatchObject({
      facts: { field: 'run' },
    });
  });

  it('is kept for the auditor where the plan says so, before it counts, and not where it does not', async () => {
    for (const retained of [true, false]) {
      const { world, announce } = await reporting(retained);
      const said = announce(1, 1);
      const commit = world.runs.commit.bind(world.runs);
      let sizeAtCommit: number | undefined;
      world.runs.commit = async (change) => {
        sizeAtCommit = await world.retained.size(said.sha256 as Digest);
        return commit(change);
      };
      await world.intake.upload(alpha, said, chunksOf(bytes));
      expect(sizeAtCommit).toBe(retained ? bytes.byteLength : undefined);
    }
  });

  it('does not count while the ledger cannot be written, and may be sent again', async () => {
    const { world, announce } = await reporting();
    world.ledger.trouble = new Fault('DISK_FULL');
    await expect(world.intake.upload(alpha, announce(1, 1), chunksOf(bytes))).rejects.toMatchObject({
      code: 'DISK_FULL',
    });
    expect(world.tables.updates.size).toBe(0);
    world.ledger.trouble = undefined;
    expect(await world.intake.upload(alpha, announce(1, 1), chunksOf(bytes))).toMatchObject({ duplicate: false });
  });
});
