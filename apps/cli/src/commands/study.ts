import type { Command } from 'commander';
import { TEMPLATES, type TemplateName } from '../study/template-names.js';
import {
  connect,
  printJson,
  printLines,
  withConnection,
  withExample,
  withJson,
  type ConnectedOptions,
  type Context,
  type JsonOption,
} from './context.js';
import { choice } from './arguments.js';
import { registerStudyPlans } from './study-plans.js';

/** `consilium study …`: plans as files, and studies at the coordinator. */
export function registerStudy(program: Command, context: Context): void {
  const study = program.command('study').description('write, check and register studies');

  withExample(
    withJson(
      study
        .command('init')
        .argument('<name>', 'name of the study')
        .description('write a plan to start from, with its JSON Schema beside it'),
    )
      .requiredOption('--template <name>', `one of ${TEMPLATES.join(', ')}`, choice(TEMPLATES))
      .option('-o, --out <file>', 'the plan’s file (default: NAME.yaml)'),
    'consilium study init chest-nodules --template lung-nodule',
  ).action((name: string, options: { template: TemplateName; out?: string } & JsonOption) =>
    context.act(options.json, () => init(context, name, options)),
  );

  withExample(
    withJson(
      study
        .command('validate')
        .argument('<file>', 'a plan, YAML or JSON')
        .description('check a plan and name every problem'),
    ),
    'consilium study validate chest-nodules.yaml',
  ).action((file: string, options: JsonOption) => context.act(options.json, () => validate(context, file, options)));

  withExample(
    withConnection(
      study
        .command('create')
        .argument('<name>', 'name of the study')
        .description('register a study at the coordinator, which signs it'),
    ).requiredOption('--file <file>', 'the study: purpose, law, ethics approval, countries, sites and data contract'),
    'consilium study create chest-nodules --file chest-nodules.study.yaml',
  ).action((name: string, options: ConnectedOptions & { file: string }) =>
    context.act(options.json, async () => {
      const [{ readStudyFile }, coordinator] = await Promise.all([
        import('../study/study-file.js'),
        connect(context, options),
      ]);
      const created = await coordinator.createStudy({ name, ...(await readStudyFile(options.file)) });
      if (options.json) printJson(context, created);
      else context.terminal.out(`Study ${created.name} is registered.`);
    }),
  );

  registerStudyPlans(study, context);

  withExample(withConnection(study.command('list').description('list the studies')), 'consilium study list').action(
    (options: ConnectedOptions) =>
      context.act(options.json, async () => {
        const studies = await (await connect(context, options)).studies();
        if (options.json) return printJson(context, studies);
        const { studyTable } = await import('../study/show.js');
        printLines(context, studyTable(studies, context.terminal));
      }),
  );

  withExample(
    withConnection(
      study
        .command('show')
        .argument('<name>', 'name of the study')
        .description('show a study, its plans and runs, and what its privacy mode means'),
    ),
    'consilium study show lung-nodule',
  ).action((name: string, options: ConnectedOptions) =>
    context.act(options.json, async () => {
      const coordinator = await connect(context, options);
      const detail = await coordinator.study(name);
      const newest = [...detail.plans].sort((a, b) => b.createdMs - a.createdMs)[0];
      const plan = newest && (await coordinator.plan(newest.digest)).plan;
      if (options.json) return printJson(context, { ...detail, plan: plan ?? null });
      const { studyLines } = await import('../study/show.js');
      printLines(context, studyLines(detail, plan, context.terminal));
    }),
  );
}

async function init(
  context: Context,
  name: string,
  options: { template: TemplateName; out?: string } & JsonOption,
): Promise<void> {
  const [{ scaffold }, { privacyLines }] = await Promise.all([
    import('../study/scaffold.js'),
    import('../study/privacy.js'),
  ]);
  const written = await scaffold(name, options.template, options.out ?? `${name}.yaml`);
  if (options.json) return printJson(context, written);
  printLines(context, [
    `Wrote ${written.plan} and ${written.study}, and ${written.schema} for completion in an editor.`,
    '',
    ...privacyLines('plain', context.terminal.columns()),
    '',
    `Next: consilium study validate ${written.plan}`,
    `Then: consilium study create ${name} --file ${written.study}`,
  ]);
}

async function validate(context: Context, file: string, options: JsonOption): Promise<void> {
  const [{ assess, refusal }, { privacyLines }] = await Promise.all([
    import('../study/assess.js'),
    import('../study/privacy.js'),
  ]);
  const assessed = await assess(file);
  if (!assessed.valid) {
    const { problems, lines } = assessed;
    if (options.json) printJson(context, { valid: false, problems });
    else printLines(context, lines);
    throw refusal(problems.length);
  }
  const { plan, digest } = assessed;
  const final = plan.roster ? digest : null;
  if (options.json) return printJson(context, { valid: true, study: plan.study, digest: final, problems: [] });
  printLines(context, [
    `${file} is a plan of study ${plan.study} for ${plan.sites.length} sites and ${plan.rounds.count} rounds.`,
    plan.roster
      ? `Its digest: ${digest}`
      : 'It is a draft: its digest comes with its sites’ keys, when it is proposed.',
    '',
    ...privacyLines(plan.privacy.mode, context.terminal.columns()),
  ]);
}
