import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodePublicKey,
  encodeBase64,
  fingerprintWords,
  nextRoster,
  openRoster,
  signRoster,
} from '@consilium/identity';
import { digestOf } from '@consilium/stdx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunView } from '../harness/api.js';
import { Federation, smallPlan } from '../harness/federation.js';
import { AGENT, Program, until } from '../harness/program.js';

/** One hospital whose people decide, and one that decides by itself, with real programs from end to end. */
const sites = ['north', 'south'];
const PEOPLE = { operator: 'operator.key', 'data-protection-officer': 'officer.key' };

let federation: Federation;
beforeAll(async () => {
  federation = await Federation.create({ sites });
  const approvers: object[] = [];
  for (const [role, file] of Object.entries(PEOPLE)) {
    const { signing } = await agent('key', 'create', '--out', join(federation.dir, file), '--no-passphrase');
    approvers.push({ role, signing });
  }
  const settings = readFileSync(settingsOf('north'), 'utf8').replace('approve: auto', 'approve: manual');
  writeFileSync(settingsOf('north'), `${settings}approvers: ${JSON.stringify(approvers)}\n`);
  await federation.start();
});
afterAll(() => federation?.close());

const settingsOf = (site: string): string => join(federation.dir, `${site}.yaml`);

type Answer = Record<string, unknown>;
async function agent(...args: string[]): Promise<Answer> {
  const program = Program.node(AGENT, [...args, '--json']);
  const exit = await program.exit();
  if (exit !== 0) throw new Error(`exit code ${exit}: ${program.output}`);
  return lastOf(program);
}
const lastOf = (program: Program): Answer => JSON.parse(program.output.trim().split('\n').at(-1)!) as Answer;
const north = (...args: string[]): Promise<Answer> => agent(...args, '--settings', settingsOf('north'));

/** A run of this plan, once both of the hospital's people have signed for it. */
async function approvedRun(seed: number, rounds = 1): Promise<{ run: string; plan: string }> {
  const { id: run } = await federation.run(smallPlan({ sites, rounds, seed }));
  const waits = async (): Promise<Answer | undefined> => {
    const { plans } = (await north('plan', 'list')) as { plans: Answer[] };
    return plans.find((plan) => plan['run'] === run && plan['decision'] === 'waiting');
  };
  const plan = String((await until(waits, 'the plan'))['planDigest']);
  expect(await north('plan', 'approve', run, '--yes', '--key', join(federation.dir, PEOPLE.operator))).toMatchObject({
    approved: false,
    missing: ['data-protection-officer'],
  });
  const officer = join(federation.dir, PEOPLE['data-protection-officer']);
  expect(await north('plan', 'approve', run, '--yes', '--key', officer)).toMatchObject({ approved: true, missing: [] });
  return { run, plan };
}

/** The administrator: compares the words, and the root lists the new key in the next roster. */
async function admit(site: string, words: string): Promise<void> {
  const { consortium, api } = federation;
  type Waiting = { site: string; signing: string; jurisdiction: string };
  const { enrolments } = await api.get<{ enrolments: Waiting[] }>('/sites/enrolments');
  const { signing, jurisdiction } = enrolments.find((one) => one.site === site)!;
  expect(fingerprintWords(decodePublicKey(signing))).toBe(words);
  const known = {
    roster: openRoster(consortium.roster, consortium.root.certificatePem),
    digest: digestOf(consortium.roster),
  };
  const next = nextRoster(known, [{ kind: 'admit', site: { name: site, signing, jurisdiction } as never }], Date.now());
  consortium.roster = await signRoster(next, consortium.root.privateKeyPem);
  await api.post(`/sites/enrolments/${site}/admit`, { roster: encodeBase64(consortium.roster) });
}

describe('a hospital’s people', () => {
  it('read what is asked, sign one after the other, and only then does the run begin', async () => {
    const { run, plan } = await approvedRun(1);
    const page = Program.node(AGENT, ['plan', 'show', plan, '--settings', settingsOf('north')]);
    expect(await page.exit()).toBe(0);
    expect(page.output).toContain('What the coordinator could see in it');
    const view = await federation.api.ended(run);
    expect([view.state, view.history.at(-1)?.contributors]).toEqual(['finished', sites]);
  });

  it('stop a plan at once, and the run goes no further without them', async () => {
    const { run, plan } = await approvedRun(2, 1_000);
    await until(
      async () => ((await federation.api.get<RunView>(`/runs/${run}`)).round > 1 ? true : undefined),
      'rounds',
    );
    await north('plan', 'withdraw', run, '--as', 'data-protection-officer');
    const { plans } = (await north('plan', 'list')) as { plans: Answer[] };
    expect(plans.find((one) => one['planDigest'] === plan)).toMatchObject({ decision: 'withdrawn' });
    const view = await federation.api.ended(run);
    expect(view.state).toBe('failed');
    expect(view.history.length).toBeLessThan(1_000);
  });
});

describe('another signing key', () => {
  it('takes over once its words are compared, and the site goes on: sessions, approvals, rounds and its log', async () => {
    const before = (await north('identity')) as { words: string };
    await federation.agents.get('north')!.stop();
    const rekey = Program.node(AGENT, ['rekey', '--json', '--settings', settingsOf('north')]);
    await until(() => (rekey.output.includes('pending') ? true : undefined), 'the words of the new key');
    await admit('north', String((JSON.parse(rekey.output.split('\n')[0]!) as Answer)['words']));
    expect(await rekey.exit()).toBe(0);
    const { words } = lastOf(rekey) as { words: string };
    expect(words).not.toBe(before.words);
    expect(await north('identity')).toMatchObject({ words });

    await federation.startAgent('north');
    await until(async () => ((await north('status'))['connected'] ? true : undefined), 'a session with the new key');
    const { run } = await approvedRun(3);
    expect((await federation.api.ended(run)).state).toBe('finished');
    expect(await north('log', 'verify')).toMatchObject({ cosignedSeconds: expect.any(Number) });
    expect(await north('check')).toMatchObject({ ok: true });
  });
});
