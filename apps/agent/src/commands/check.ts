import { access, constants } from 'node:fs/promises';
import { certificateFacts, fingerprintWords, openRoster, spiffeId } from '@consilium/identity';
import type { Plan } from '@consilium/round';
import { describe, Fault, type Clock, type Facts } from '@consilium/stdx';
import type { SiteChannel } from '@consilium/wire';
import { approversOf } from '../approvals.js';
import { IdentityFolder, REQUESTS } from '../enrolment/folder.js';
import { lifeOf } from '../enrolment/own-leaf.js';
import { isRekeying } from '../enrolment/rekey.js';
import { readIdentity } from '../identity.js';
import { documentsOf, readLog } from '../ledger/open.js';
import { readPlan } from '../permits.js';
import { imageSpecOf, type Trainer } from '../ports.js';
import type { Settings } from '../settings.js';

/** One thing that an administrator wants to know to be right. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly code: string | null;
  readonly message: string;
  readonly facts: Facts;
}

export interface CheckPorts {
  readonly trainer: Trainer;
  readonly openChannel: () => Promise<Pick<SiteChannel, 'greet' | 'close'>>;
  /** Looks whether the coordinator answers where no certificate is shown, as for a renewal. */
  readonly meet: () => Promise<unknown>;
  readonly clock: Pick<Clock, 'now'>;
  /** Plans given on the command line, by study; else those that the log knows. */
  readonly plans: ReadonlyMap<string, Plan>;
}

/** For so long after its end a certificate is renewed without a person. */
const REVIVED_MS = 30 * 86_400_000;

/** Certificates are judged by clock, and so are people's logs: beyond a minute the two would disagree. */
const SKEW_MAX_MS = 60_000;

/** Tries everything that a round needs, one after the other, and goes on after a failure. Nothing but a greeting leaves. */
export async function* checkSite(settings: Settings, ports: CheckPorts): AsyncGenerator<Finding> {
  yield* engineAndSandbox(settings, ports);
  for (const [study, folder] of Object.entries(settings.datasets)) {
    yield await attempt(`data ${study}`, () => dataset(folder, ports.plans.get(study), ports));
  }
  yield await attempt('approval', async () => ({ rule: settings.approve, people: approversOf(settings).length }));
  yield await attempt('log', () => log(settings));
  yield await attempt('identity', () => identity(settings));
  const found = await attempt('certificate', () => certificate(settings, ports));
  const lapsed = found.ok && found.facts['hoursLeft'] !== undefined && Number(found.facts['hoursLeft']) < 0;
  yield lapsed ? { ...found, message: 'lapsed; the agent renews it by itself when it starts' } : found;
  if (lapsed) yield await attempt('coordinator', async () => (await ports.meet(), { greeted: false }));
  else yield* coordinatorAndClock(ports);
}

async function* engineAndSandbox({ sandbox }: Settings, { trainer }: CheckPorts): AsyncGenerator<Finding> {
  const engine = await attempt('engine', async () => {
    const { name, version, selfTestMaxError } = await trainer.open();
    return { name, version, selfTestMaxError };
  });
  const cutOff = engine.code !== 'SANDBOX_UNAVAILABLE';
  yield cutOff ? engine : { ...engine, message: 'not started', facts: {} };
  yield sandbox === 'off'
    ? {
        name: 'sandbox',
        ok: true,
        code: null,
        message: 'off by the settings: training is not cut off from the network',
        facts: {},
      }
    : {
        ...engine,
        name: 'sandbox',
        ok: cutOff,
        code: cutOff ? null : engine.code,
        facts: {},
        message: cutOff ? 'training has no network' : engine.message,
      };
}

/** Without a plan nobody knows what the labels mean: then only that the folder can be opened is known. */
async function dataset(folder: string, plan: Plan | undefined, { trainer }: CheckPorts): Promise<Facts> {
  if (!plan) {
    await access(folder, constants.R_OK | constants.X_OK).catch((error: unknown) => {
      throw new Fault('DATA_UNREADABLE', {}, error);
    });
    return { counted: false };
  }
  const { train, test } = await trainer.load({ folders: [folder], spec: imageSpecOf(plan) }, ['train', 'test']);
  return {
    trainExamples: train.examples,
    trainPositives: train.positives,
    testExamples: test.examples,
    testPositives: test.positives,
  };
}

async function log(settings: Settings): Promise<Facts> {
  try {
    return { entries: (await readLog(settings, await readIdentity(settings.identity))).past.length };
  } catch (error) {
    if (Fault.is(error, 'NOT_FOUND')) return { entries: 0 };
    throw error;
  }
}

/** What an administrator compares on the telephone, and whom this site believes. */
async function identity(settings: Settings): Promise<Facts> {
  const own = await readIdentity(settings.identity);
  const { version } = openRoster(own.roster, own.rootPem);
  const rekeying = await isRekeying(new IdentityFolder(settings.identity, REQUESTS.rekey), own);
  return { words: fingerprintWords(own.signing.publicKey), roster: version, ...(rekeying && { rekeying }) };
}

/** A certificate that has ended is no failure as long as the agent renews it by itself. */
async function certificate(settings: Settings, { clock }: CheckPorts): Promise<Facts> {
  const { certificatePem } = await readIdentity(settings.identity);
  const { spiffe, fingerprint } = certificateFacts(certificatePem);
  const own = spiffeId(settings.federation, { kind: 'site', name: settings.site });
  if (spiffe !== own) throw new Fault('CERTIFICATE_INVALID', { expected: own });
  const now = clock.now();
  const { dueMs, notAfterMs } = lifeOf(certificatePem);
  const hoursLeft = Math.floor((notAfterMs - now) / 3_600_000);
  if (now > notAfterMs + REVIVED_MS) throw new Fault('CERTIFICATE_LAPSED', { hoursLeft });
  return { hoursLeft, renewalDue: now >= dueMs, fingerprint };
}

async function* coordinatorAndClock({ openChannel, clock }: CheckPorts): AsyncGenerator<Finding> {
  let skewMs: number | undefined;
  yield await attempt('coordinator', async () => {
    const channel = await openChannel();
    try {
      const beforeMs = clock.now();
      const { site, nowMs } = await channel.greet();
      const roundTripMs = clock.now() - beforeMs;
      skewMs = Math.round(nowMs - (beforeMs + roundTripMs / 2));
      return { site, roundTripMs };
    } finally {
      channel.close();
    }
  });
  const measured = skewMs;
  if (measured === undefined) return;
  yield await attempt('clock', async () => {
    if (Math.abs(measured) > SKEW_MAX_MS) throw new Fault('CLOCK_SKEWED', { skewMs: measured });
    return { skewMs: measured };
  });
}

async function attempt(name: string, check: () => Promise<Facts>): Promise<Finding> {
  try {
    return { name, ok: true, code: null, message: 'works', facts: await check() };
  } catch (error) {
    const { code, facts } = Fault.from(error);
    return { name, ok: false, code, message: describe(code, facts), facts };
  }
}

/** The plans that the site's log knows, the newest of each study. */
export async function knownPlans(settings: Settings): Promise<Map<string, Plan>> {
  const plans = new Map<string, Plan>();
  try {
    const { past } = await readLog(settings, await readIdentity(settings.identity));
    const documents = documentsOf(settings);
    for (const entry of past) {
      if (entry.type !== 'plan.offered') continue;
      const plan = readPlan(await documents.get(entry.plan));
      plans.set(plan.study, plan);
    }
  } catch {
    // The finding about the log, or about the identity, tells why.
  }
  return plans;
}
