import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planCanonicalJson } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import { welcomeOf, type Welcome } from '@consilium/wire';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { certificatesOf, FEDERATION, writeSite } from '../federation.fixture.js';
import { FileJournal } from '../journal/file.js';
import { approvedRecords, planOf, SITE } from '../plan.fixture.js';
import { readSettings, type Settings } from '../settings.js';
import { clockAt, MemoryTrainer } from '../twins.fixture.js';
import { checkSite, knownPlans, type CheckPorts, type Finding } from './check.js';

let folder: string;
let settings: Settings;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'check-'));
  const certificates = await certificatesOf(FEDERATION);
  await mkdir(join(folder, 'data'));
  const path = await writeSite(folder, certificates.sites.get(SITE)!, {
    coordinator: { address: '127.0.0.1:1' },
    datasets: { 'lung-nodule': 'data' },
  });
  settings = await readSettings(path, {});
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let trainer: MemoryTrainer;
let greet: () => Promise<Welcome>;
beforeEach(() => {
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
      'journal',
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
    expect(findings.get('certificate')?.facts['daysLeft']).toBe(0);
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
      ['journal', null],
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

  it('tells a certificate of another site, one that has expired, and one that is missing', async () => {
    const code = async (changes: Partial<Settings>, ports: Partial<CheckPorts> = {}) =>
      (await check(changes, ports)).get('certificate')?.code;
    expect(await code({ site: 'site-b' as typeof SITE })).toBe('CERTIFICATE_INVALID');
    expect(await code({}, { clock: { now: () => Date.now() + 3 * 86_400_000 } })).toBe('CERTIFICATE_INVALID');
    expect(await code({ tls: { ...settings.tls, certificate: join(folder, 'none.pem') } })).toBe('CERTIFICATE_INVALID');
    expect(await code({})).toBeNull();
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

  it('reads the data by the newest plan that the journal knows', async () => {
    expect(await knownPlans({ state: join(folder, 'state') })).toEqual(new Map());
    await mkdir(join(folder, 'state'), { recursive: true });
    const { journal } = await FileJournal.open(join(folder, 'state', 'journal.jsonl'), clockAt());
    for (const record of approvedRecords(planOf({ seed: 9 }))) await journal.append(record);
    await journal.close();
    const plan = (await knownPlans({ state: join(folder, 'state') })).get('lung-nodule');
    expect(planCanonicalJson(plan!)).toBe(planCanonicalJson(planOf({ seed: 9 })));
  });

  it('finds a journal that is not whole', async () => {
    await mkdir(join(folder, 'broken'));
    await writeFile(join(folder, 'broken', 'journal.jsonl'), 'not a line\n');
    expect((await check({ state: join(folder, 'broken') })).get('journal')).toMatchObject({
      ok: false,
      code: 'JOURNAL_CORRUPT',
    });
  });
});
