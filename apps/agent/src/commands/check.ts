import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { certificateFacts, spiffeId } from '@consilium/identity';
import { parsePlan, type Plan } from '@consilium/round';
import { describe, Fault, type Clock, type Facts } from '@consilium/stdx';
import type { SiteChannel } from '@consilium/wire';
import { STATE_FILES } from '../agent.js';
import { readJournal } from '../journal/file.js';
import { imageSpecOf, type Trainer } from '../ports.js';
import type { Settings } from '../settings.js';
import { readTls } from '../tls.js';

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
  readonly clock: Pick<Clock, 'now'>;
  /** Plans given on the command line, by study; else those that the journal knows. */
  readonly plans: ReadonlyMap<string, Plan>;
}

/** Certificates are judged by clock, and so are people's logs: beyond a minute the two would disagree. */
const SKEW_MAX_MS = 60_000;

/** Tries everything that a round needs, one after the other, and goes on after a failure. Nothing but a greeting leaves. */
export async function* checkSite(settings: Settings, ports: CheckPorts): AsyncGenerator<Finding> {
  yield* engineAndSandbox(settings, ports);
  for (const [study, folder] of Object.entries(settings.datasets)) {
    yield await attempt(`data ${study}`, () => dataset(folder, ports.plans.get(study), ports));
  }
  yield await attempt('journal', () => journal(settings));
  yield await attempt('certificate', () => certificate(settings, ports));
  yield* coordinatorAndClock(ports);
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

async function journal({ state }: Settings): Promise<Facts> {
  try {
    return { entries: (await readJournal(join(state, STATE_FILES.journal))).head.seq };
  } catch (error) {
    if (Fault.is(error, 'NOT_FOUND')) return { entries: 0 };
    throw error;
  }
}

async function certificate(settings: Settings, { clock }: CheckPorts): Promise<Facts> {
  const { spiffe, notAfter, fingerprint } = certificateFacts((await readTls(settings)).certificate);
  const daysLeft = Math.floor((notAfter - clock.now()) / 86_400_000);
  const own = spiffeId(settings.federation, { kind: 'site', name: settings.site });
  if (spiffe !== own) throw new Fault('CERTIFICATE_INVALID', { expected: own });
  if (notAfter <= clock.now()) throw new Fault('CERTIFICATE_INVALID', { daysLeft });
  return { daysLeft, fingerprint };
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

/** The plans that the site's journal knows, the newest of each study. */
export async function knownPlans({ state }: Pick<Settings, 'state'>): Promise<Map<string, Plan>> {
  try {
    const { entries } = await readJournal(join(state, STATE_FILES.journal));
    const offered = entries.flatMap((entry) => (entry.type === 'plan.offered' ? [parsePlan(entry.plan)] : []));
    return new Map(offered.map((plan) => [plan.study, plan]));
  } catch {
    return new Map(); // the finding about the journal tells why
  }
}
