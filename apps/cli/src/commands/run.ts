import { InvalidArgumentError, type Command } from 'commander';
import { RUN_STATES } from '../run/states.js';
import { choice, digestArgument } from './arguments.js';
import {
  connect,
  printJson,
  printLines,
  withConnection,
  withExample,
  type ConnectedOptions,
  type Context,
} from './context.js';

const RUN = 'the run’s id (default: the newest run)';

/** `consilium run …`: start runs, watch them, and stop them. */
export function registerRun(program: Command, context: Context): void {
  const run = program.command('run').description('start, watch and stop runs');

  withExample(
    withConnection(
      run
        .command('start')
        .argument('<digest>', 'the digest of a plan that was proposed and signed', digestArgument)
        .description('start a run of a plan'),
    ).option('--watch', 'watch it until it has ended'),
    'consilium run start 41dd… --watch',
  ).action((digest: string, options: ConnectedOptions & { watch?: boolean }) =>
    context.act(options.json, async () => {
      const coordinator = await connect(context, options);
      const started = await coordinator.startRun(digest);
      if (!options.watch) {
        if (options.json) return printJson(context, started);
        return printLines(context, [
          `Started ${started.id}; the sites decide about its plan now.`,
          `Next: consilium run watch ${started.id}`,
        ]);
      }
      const { watchRun } = await import('../run/watch.js');
      await watchRun(coordinator, started.id, context.terminal, Boolean(options.json));
    }),
  );

  withExample(
    withConnection(
      run.command('watch').argument('[run]', RUN, runArgument).description('watch a run until it has ended'),
    ),
    'consilium run watch',
  ).action((id: string | undefined, options: ConnectedOptions) =>
    context.act(options.json, async () => {
      const [coordinator, { watchRun }, { newestRun }] = await Promise.all([
        connect(context, options),
        import('../run/watch.js'),
        import('../run/newest.js'),
      ]);
      await watchRun(coordinator, id ?? (await newestRun(coordinator)), context.terminal, Boolean(options.json));
    }),
  );

  for (const [verb, does] of [
    ['pause', 'stop the current round; resume begins it again'],
    ['resume', 'go on with a paused run'],
    ['cancel', 'end a run without a model'],
  ] as const) {
    withExample(
      withConnection(run.command(verb).argument('<run>', 'the run’s id', runArgument).description(does)),
      `consilium run ${verb} run-0a1b2c3d4e`,
    ).action((id: string, options: ConnectedOptions) =>
      context.act(options.json, async () => {
        const changed = await (await connect(context, options)).changeRun(id, verb);
        if (options.json) printJson(context, changed);
        else context.terminal.out(`${changed.id}: ${changed.state}, round ${changed.round} of ${changed.rounds}.`);
      }),
    );
  }

  withExample(
    withConnection(
      run
        .command('show')
        .argument('[run]', RUN, runArgument)
        .description('show a run, its sites and its latest rounds'),
    ),
    'consilium run show',
  ).action((id: string | undefined, options: ConnectedOptions) =>
    context.act(options.json, async () => {
      const [coordinator, { newestRun }, { runLines }] = await Promise.all([
        connect(context, options),
        import('../run/newest.js'),
        import('../run/tables.js'),
      ]);
      const shown = await coordinator.run(id ?? (await newestRun(coordinator)));
      if (options.json) printJson(context, shown);
      else printLines(context, runLines(shown, context.terminal));
    }),
  );

  withExample(
    withConnection(run.command('list').description('list the runs, newest first'))
      .option('--where <state>', `only those that are ${RUN_STATES.join(', ')}`, choice(RUN_STATES))
      .option('--study <name>', 'only those of this study'),
    'consilium run list --where finished',
  ).action((options: ConnectedOptions & { where?: string; study?: string }) =>
    context.act(options.json, async () => {
      const runs = await (await connect(context, options)).runs({ state: options.where, study: options.study });
      if (options.json) return printJson(context, runs);
      const { runTable } = await import('../run/tables.js');
      printLines(context, runTable(runs, context.terminal));
    }),
  );
}

/** The form of a run's id, so that a mistyped one is told before anything is asked. */
function runArgument(text: string): string {
  if (!/^run-[0-9a-z]{10,26}$/.test(text))
    throw new InvalidArgumentError('Expected a run’s id such as run-0a1b2c3d4e; consilium run list shows them.');
  return text;
}
