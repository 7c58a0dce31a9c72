import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePublicKey, fingerprintWords } from '@consilium/identity';
import { planCanonicalJson } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import { welcomeOf, type Welcome } from '@consilium/wire';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '@consilium/machine';
import { IdentityFolder, REQUESTS } from '../enrolment/folder.js';
import { certificatesOf, writeSite } from '../federation.fixture.js';
import { readIdentity } from '../identity.js';
import { IDENTITY_FILES } from '../identity-files.js';
import { documentsOf, openLog } from '../ledger/open.js';
import { approvedEvents, MemoryDocuments } from '../ledger.fixture.js';
import { KEY, planOf, SITE } from '../plan.fixture.js';
import { readSettings, type Settings } from '../settings.js';
import { MemoryTrainer } from '../twins.fixture.js';
import { checkSite, knownPlans, type CheckPorts, type Finding } from './check.js';

let folder: string;
let settings: Settings;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'check-'));
  const certificates = await certificatesOf();
  await mkdir(join(folder, 'data'));
  const path = await writeSite(folder, certificates, {
    coordinator: { address: '127.0.0.1:1' },
    datasets: { 'lung-nodule': 'data' },
    approvers: [{ role: 'operator', signing: encodePublicKey(KEY.publicKey) }],
  });
  settings = await readSettings(path, {});
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let trainer: MemoryTrainer;
let greet: () => Promise<Welcome>;
let met: number;
beforeEach(() => {
  met = 0;
  trainer = new MemoryTrainer();
  greet = async () => welcomeOf({ site: SITE, software: 'hub', nowMs: Date.now() }) as Welcome;
});
const check = async (
  changes: Partial<Settings> = {},
  ports: Partial<CheckPorts> = {},
): Promise<Map<string, Finding>> => {
  const findings = new Map<string, Finding>();
  const all: CheckPorts = {
    trainer,
    openChannel: async () => ({ greet, close: () => {} }),
    meet: async () => void met++,
    clock: { now: () => Date.now() },
    plans: new Map([['lung-nodule', planOf()]]),
    ...ports,
  };
  for await (const finding of checkSite({ ...settings, ...changes }, all)) findings.set(finding.name, finding);
  return findings;
};

describe('a check of the site', () => {
  it('tells of everything that a round needs, in order', async () => {
    const findings = await check();
    expect([...findings.keys()]).toEqual([
      'engine',
      'sandbox',
      'data lung-nodule',
      'approval',
      'log',
      'identity',
      'certificate',
      'coordinator',
      'clock',
    ]);
    expect([...findings.values()].every(({ ok }) => ok)).toBe(true);
    expect(findings.get('data lung-nodule')?.facts).toEqual({
      trainExamples: 16,
      trainPositives: 8,
      testExamples: 12,
      testPositives: 6,
    });
    expect(findings.get('certificate')?.facts).toMatchObject({ hoursLeft: 23, renewalDue: false });
    expect(findings.get('identity')?.facts).toEqual({ words: fingerprintWords(KEY.publicKey), roster: 1 });
    expect(findings.get('approval')?.facts).toEqual({ rule: 'manual', people: 1 });
  });

  it('goes on after a failure, and gives each its code', async () => {
    trainer.open = () => Promise.reject(new Fault('ENGINE_SELF_TEST_FAILED', { maxError: 1.5 }));
    trainer.fails = new Fault('DATA_LABEL_UNKNOWN', { line: 2 });
    greet = () => Promise.reject(new Fault('UNAVAILABLE'));
    const findings = await check();
    expect([...findings.values()].map(({ name, code }) => [name, code])).toEqual([
      ['engine', 'ENGINE_SELF_TEST_FAILED'],
      ['sandbox', null],
      ['data lung-nodule', 'DATA_LABEL_UNKNOWN'],
      ['approval', null],
      ['log', null],
      ['identity', null],
      ['certificate', null],
      ['coordinator', 'UNAVAILABLE'],
    ]);
  });

  it('tells a sandbox that cannot be made from an engine that cannot compute', async () => {
    trainer.open = () => Promise.reject(new Fault('SANDBOX_UNAVAILABLE'));
    const findings = await check();
    expect(findings.get('sandbox')).toMatchObject({ ok: false, code: 'SANDBOX_UNAVAILABLE' });
    expect(findings.get('engine')).toMatchObject({ ok: false, message: 'not started' });
  });

  it('says so when the settings leave training its network', async () => {
    const { message } = (await check({ sandbox: 'off' })).get('sandbox')!;
    expect(message).toContain('off by the settings');
  });

  const inDays = (days: number): Partial<CheckPorts> => ({ clock: { now: () => Date.now() + days * 86_400_000 } });

  it('tells a certificate of another site, one that nobody can renew any more, and one that is missing', async () => {
    const code = async (changes: Partial<Settings>, ports: Partial<CheckPorts> = {}) =>
      (await check(changes, ports)).get('certificate')?.code;
    expect(await code({ site: 'site-b' as typeof SITE })).toBe('CERTIFICATE_INVALID');
    expect(await code({}, inDays(32))).toBe('CERTIFICATE_LAPSED');
    expect(await code({ identity: join(folder, 'none') })).toBe('IDENTITY_MISSING');
    expect(await code({})).toBeNull();
  });

  it('tells when the certificate is due, and how much of its life is left', async () => {
    const { facts } = (await check({}, inDays(0.7))).get('certificate')!;
    expect(facts).toMatchObject({ hoursLeft: 7, renewalDue: true });
  });

  it('does not call a site ill that was away for a long weekend: its agent renews the certificate by itself', async () => {
    greet = () => Promise.reject(new Fault('CERTIFICATE_REFUSED'));
    const findings = await check({}, inDays(3));
    expect(findings.get('certificate')).toMatchObject({
      ok: true,
      message: 'lapsed; the agent renews it by itself when it starts',
      facts: { hoursLeft: -49, renewalDue: true },
    });
    // And the coordinator is met where no certificate is asked for.
    expect(findings.get('coordinator')).toMatchObject({ ok: true, facts: { greeted: false } });
    expect([met, findings.has('clock')]).toEqual([1, false]);
    expect((await check()).get('coordinator')?.code).toBe('CERTIFICATE_REFUSED'); // the control
  });

  it('names a proxy that opens TLS on the way', async () => {
    greet = () => Promise.reject(new Fault('TLS_INTERCEPTED'));
    expect((await check()).get('coordinator')).toMatchObject({
      ok: false,
      code: 'TLS_INTERCEPTED',
      message: expect.stringContaining('TLS inspection'),
    });
    const meet = () => Promise.reject(new Fault('TLS_INTERCEPTED'));
    expect((await check({}, { ...inDays(3), meet })).get('coordinator')?.code).toBe('TLS_INTERCEPTED');
  });

  it('tells that people shall decide and nobody is named', async () => {
    expect((await check({ approvers: [] })).get('approval')).toMatchObject({
      ok: false,
      code: 'SETTINGS_INVALID',
      facts: { path: 'approvers' },
    });
    expect((await check({ approvers: [], approve: 'auto' })).get('approval')?.ok).toBe(true);
  });

  it('tells that another key waits to be admitted', async () => {
    const rekeying = new IdentityFolder(settings.identity, REQUESTS.rekey);
    await rekeying.keys();
    expect((await check()).get('identity')?.facts).toMatchObject({ rekeying: true });
    await rekeying.forget();
  });

  it('tells a clock that differs by more than a minute', async () => {
    greet = async () => welcomeOf({ site: SITE, software: 'hub', nowMs: Date.now() + 3_600_000 }) as Welcome;
    expect((await check()).get('clock')).toMatchObject({ ok: false, code: 'CLOCK_SKEWED' });
  });

  it('without a plan knows only whether a data folder can be opened', async () => {
    const plans = new Map();
    expect((await check({}, { plans })).get('data lung-nodule')).toMatchObject({ ok: true, facts: { counted: false } });
    const missing = { datasets: { 'lung-nodule': join(folder, 'none') } };
    expect((await check(missing, { plans })).get('data lung-nodule')).toMatchObject({
      ok: false,
      code: 'DATA_UNREADABLE',
    });
  });

  it('reads the data by the newest plan that the log knows', async () => {
    expect(await knownPlans(settings)).toEqual(new Map());
    const { log } = await openLog(settings, await readIdentity(settings.identity), systemClock);
    const documents = new MemoryDocuments();
    for (const event of approvedEvents(documents, planOf({ seed: 9 }))) await log.record(event);
    for (const bytes of documents.kept.values()) await documentsOf(settings).put(bytes);
    await log.close();
    const plan = (await knownPlans(settings)).get('lung-nodule');
    expect(planCanonicalJson(plan!)).toBe(planCanonicalJson(planOf({ seed: 9 })));
    expect((await check()).get('log')?.facts).toEqual({ entries: 4 });
  });

  it('finds a log that is not whole, or whose key is not this site’s', async () => {
    const rows = join(folder, 'broken', 'ledger', 'rows.jsonl');
    await mkdir(join(folder, 'broken', 'ledger'), { recursive: true });
    await writeFile(rows, 'not a line\n');
    const found = await check({ state: join(folder, 'broken') });
    expect(found.get('log')).toMatchObject({ ok: false, code: 'LEDGER_CORRUPT' });
    await writeFile(join(settings.identity, IDENTITY_FILES.signing), '{}');
    expect((await check()).get('log')).toMatchObject({ ok: false, code: 'KEY_INVALID' });
  });
});
