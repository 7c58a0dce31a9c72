import type { Command } from 'commander';
import { Fault } from '@consilium/stdx';
import { digestArgument } from './arguments.js';
import {
  connect,
  printJson,
  printLines,
  withConnection,
  withExample,
  type ConnectedOptions,
  type Context,
} from './context.js';

interface KeyOptions extends ConnectedOptions {
  readonly key: string;
  readonly passphraseFile?: string;
}

/** `consilium study plan` and `sign`: two people whose keys stand in the roster make a plan one that may run. */
export function registerStudyPlans(study: Command, context: Context): void {
  withExample(
    withKey(
      withConnection(
        study
          .command('plan')
          .argument('<file>', 'a plan, YAML or JSON')
          .description('have a plan completed, sign it as its proposer, and propose it'),
      ),
    ),
    'consilium study plan chest-nodules.yaml --key proposer.key',
  ).action((file: string, options: KeyOptions) => context.act(options.json, () => propose(context, file, options)));

  withExample(
    withKey(
      withConnection(
        study
          .command('sign')
          .argument('<digest>', 'the digest of a plan that was proposed', digestArgument)
          .description('read a proposed plan, and sign it as well'),
      ),
    ).option('--yes', 'sign it without being asked'),
    'consilium study sign 41dd… --key admin.key',
  ).action((digest: string, options: KeyOptions & { yes?: boolean }) =>
    context.act(options.json, () => sign(context, digest, options)),
  );
}

const withKey = (command: Command): Command =>
  command
    .requiredOption('--key <file>', 'your signing key (consilium key create)')
    .option('--passphrase-file <file>', 'file with its passphrase (default: it is asked for)');

async function propose(context: Context, file: string, options: KeyOptions): Promise<void> {
  const [coordinator, { proposePlan }, { planLines, standingLines }] = await Promise.all([
    connect(context, options),
    import('../study/propose.js'),
    import('../study/plan-summary.js'),
  ]);
  const { plan, digest, detail } = await proposePlan(coordinator, file, await keyOf(context, options));
  const { signers, refusal } = detail;
  if (options.json) return printJson(context, { digest, study: plan.study, signers, refusal });
  printLines(context, [
    ...planLines(plan, digest, context.terminal),
    '',
    ...standingLines(detail, digest),
    ...(refusal === 'PLAN_NOT_SIGNED' ? [`Next, an admin: consilium study sign ${digest} --key FILE`] : []),
  ]);
}

async function sign(context: Context, digest: string, options: KeyOptions & { yes?: boolean }): Promise<void> {
  const [coordinator, { readProposed, signProposed }, { planLines, standingLines }] = await Promise.all([
    connect(context, options),
    import('../study/propose.js'),
    import('../study/plan-summary.js'),
  ]);
  const proposed = await readProposed(coordinator, digest);
  const say = options.json ? context.terminal.err : context.terminal.out;
  for (const line of planLines(proposed.plan, digest, context.terminal)) say(line);
  if (!options.yes) {
    const { confirmed } = await import('../text/confirm.js');
    say('');
    if (!(await confirmed(context.terminal, 'Sign this plan?', '--yes'))) throw new Fault('CANCELLED');
  }
  const detail = await signProposed(coordinator, proposed, await keyOf(context, options));
  const { signers, refusal } = detail;
  if (options.json) return printJson(context, { digest, study: proposed.plan.study, signers, refusal });
  printLines(context, ['', ...standingLines(detail, digest)]);
}

async function keyOf({ terminal }: Context, { key, passphraseFile }: KeyOptions) {
  const { openKey } = await import('../keys/open-key.js');
  return openKey(key, { ask: terminal.ask, ...(passphraseFile !== undefined && { passphraseFile }) });
}
