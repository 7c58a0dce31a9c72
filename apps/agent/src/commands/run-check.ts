import { systemClock } from '@consilium/machine';
import { enrolmentChannel } from '@consilium/wire';
import { openChannel } from '../channel.js';
import { readIdentity } from '../identity.js';
import { readSettings, type Settings } from '../settings.js';
import type { ExitCode, Terminal } from '../terminal.js';
import { openTrainer } from '../trainer/trainer.js';
import { checkSite, knownPlans, type Finding } from './check.js';
import { readPlanFile } from './plan-file.js';

/** `agent check`: what works here and what does not, for an administrator. 0 when everything does, else 1. */
export async function check(
  options: { settings: string; plan?: readonly string[]; json?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const settings = await readSettings(options.settings, terminal.env);
  const plans = await knownPlans(settings);
  for (const path of options.plan ?? []) {
    const plan = await readPlanFile(path);
    plans.set(plan.study, plan);
  }
  const trainer = openTrainer(settings);
  const findings: Finding[] = [];
  try {
    for await (const finding of checkSite(settings, {
      trainer,
      openChannel: async () => openChannel(settings, await readIdentity(settings.identity)),
      meet: () => meet(settings),
      clock: systemClock,
      plans,
    })) {
      findings.push(finding);
      if (!options.json) terminal.out(findingLine(finding));
      if (terminal.interrupted.aborted) return 130;
    }
  } finally {
    await trainer.close();
  }
  const ok = findings.every((finding) => finding.ok);
  if (options.json) terminal.out(JSON.stringify({ ok, checks: findings }));
  return ok ? 0 : 1;
}

function findingLine({ name, ok, code, message, facts }: Finding): string {
  const told = Object.entries(facts).map(([key, value]) => `${key} ${value}`);
  const tail = ok && told.length > 0 ? ` (${told.join(', ')})` : '';
  return `${ok ? 'ok    ' : 'FAILED'}  ${name.padEnd(12)}  ${code ? `${code}: ` : ''}${message}${tail}`;
}

/** By the digest of the root, so that the coordinator is really met and shows its chain. */
async function meet({ identity, coordinator }: Settings): Promise<void> {
  const { rootDigest } = await readIdentity(identity);
  const channel = enrolmentChannel({ address: coordinator.address, rootDigest });
  try {
    await channel.root();
  } finally {
    channel.close();
  }
}
