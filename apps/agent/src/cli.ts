import { ENGINES, Fault } from '@consilium/stdx';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { describePeople } from './cli-people.js';
import { reportFailure, type ExitCode, type Terminal } from './terminal.js';
import { VERSION } from './version.js';

/** Each command is loaded when it is called, so that none waits for the libraries of another. */
const commands = {
  check: () => import('./commands/run-check.js'),
  data: () => import('./commands/data.js'),
  engines: () => import('./commands/engines.js'),
  evaluate: () => import('./commands/evaluate.js'),
  identity: () => import('./commands/identity.js'),
  join: () => import('./commands/join.js'),
  log: () => import('./commands/log.js'),
  operate: () => import('./commands/operate.js'),
  serve: () => import('./commands/serve.js'),
  train: () => import('./commands/train.js'),
};

/** Runs the command that the arguments name. Every way it can end is one of the exit codes. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exit: ExitCode = 0;
  const program = describeCommands(terminal, (code) => (exit = code));
  try {
    await program.parseAsync(args, { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // the help that was asked for
    // Commander has already said what exactly it did not understand.
    if (error instanceof CommanderError) return reportFailure(new Fault('USAGE'), args.includes('--json'), terminal);
    return reportFailure(error, args.includes('--json'), terminal);
  }
}

function describeCommands(terminal: Terminal, exitWith: (code: ExitCode) => void): Command {
  const program = new Command('consilium agent')
    .description('A hospital’s side of a federation: trains on images that stay here.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    });

  const command = (parent: Command, name: string, description: string): Command =>
    parent.command(name).description(description).option('--json', 'one JSON object on the last line, for programs');
  const ofSite = (parent: Command, name: string, description: string): Command =>
    command(parent, name, description).requiredOption('--settings <file>', 'the site’s settings file');
  const trains = (parent: Command, name: string, description: string): Command =>
    command(parent, name, description)
      .addOption(new Option('--engine <name>', 'what computes').choices(['auto', ...ENGINES]).default('auto'))
      .addOption(
        new Option('--sandbox <state>', 'cut training off from the network').choices(['on', 'off']).default('on'),
      )
      .requiredOption('--plan <file>', 'the plan, YAML or JSON');

  ofSite(program, 'serve', 'take part in the federation until told to stop')
    .option('--resume', 'work again for a coordinator whose log this site has refused')
    .action(async (options) => (await commands.serve()).serve(options, terminal));
  ofSite(program, 'join', 'become a site of a federation, with the one-time token of an invitation')
    .argument('<token>', 'the token, as the consortium’s administrator sent it')
    .action(async (token: string, options) => (await commands.join()).join(token, options, terminal));
  ofSite(program, 'identity', 'who this site is: its key, its six words, and its part of an auditor’s policy').action(
    async (options) => (await commands.identity()).identity(options, terminal),
  );
  ofSite(program, 'check', 'tell what works here: engine, sandbox, data, certificate, coordinator, clock')
    .option('--plan <file...>', 'plans to read the data by')
    .action(async (options) => exitWith(await (await commands.check()).check(options, terminal)));
  command(program, 'engines', 'what can train here: its self-test, its speed, and what to install for more')
    .option('--python <file>', 'the Python with PyTorch for the engine torch (default: CONSILIUM_PYTHON)')
    .addOption(
      new Option('--sandbox <state>', 'cut training off from the network').choices(['on', 'off']).default('on'),
    )
    .action(async (options) => exitWith(await (await commands.engines()).engines(options, terminal)));
  ofSite(program, 'status', 'what the running agent is at').action(async (options) =>
    (await commands.operate()).status(options, terminal),
  );
  describePeople(program, { command, ofSite }, terminal);

  const log = program.command('log').alias('journal').description('what this site did and what left it');
  ofSite(log, 'show', 'every entry, oldest first').action(async (options) =>
    (await commands.log()).show(options, terminal),
  );
  ofSite(log, 'verify', 'check that no entry was changed, removed or added').action(async (options) =>
    (await commands.log()).verify(options, terminal),
  );
  ofSite(log, 'restore', 'go on from an old copy of the state when no newer one is left')
    .requiredOption(
      '--witnessed <size>',
      'the size that the coordinator has seen, as LEDGER_ROLLED_BACK says',
      readSize,
    )
    .action(async (options) => (await commands.log()).restore(options, terminal));

  trains(program, 'train', 'the baseline: what a federation of one learns from these folders')
    .requiredOption('--data <dir...>', 'folders to train on, joined')
    .option('--test <name=dir...>', 'folders whose test split to measure on', [])
    .option('--name <site>', 'whose local model this is')
    .option('--seed <number>', 'instead of the plan’s seed', readSeed)
    .option('--out <file>', 'where to write the model')
    .action(async (options) => (await commands.train()).train(options, terminal));
  trains(program, 'evaluate', 'measure a model file on test folders')
    .requiredOption('--model <file>', 'the model, safetensors')
    .requiredOption('--test <name=dir...>', 'folders whose test split to measure on')
    .action(async (options) => (await commands.evaluate()).evaluate(options, terminal));

  const folder = program.command('data').description('make, divide or look into data folders');
  command(folder, 'phantom', 'write a synthetic hospital’s patients as DICOM')
    .requiredOption('--study <name>', 'lung-nodule')
    .requiredOption('--hospital <name>', 'a, b, c, d or external')
    .requiredOption('--site <name>', 'the site that the files name')
    .requiredOption('--seed <number>', 'same seed, same bytes', readSeed)
    .requiredOption('--out <dir>', 'the folder to fill')
    .action(async (options) => (await commands.data()).phantom(options, terminal));
  command(folder, 'partition', 'divide a MedMNIST file’s training split among sites')
    .requiredOption('--npz <file>', 'the MedMNIST file')
    .requiredOption('--sites <names>', 'site names with commas between them')
    .requiredOption('--seed <number>', 'same seed, same division', readSeed)
    .requiredOption('--out <dir>', 'one folder a site is made in here')
    .action(async (options) => (await commands.data()).partition(options, terminal));
  trains(folder, 'inspect', 'what a plan would find in a folder: counts, never a patient')
    .requiredOption('--data <dir>', 'the folder')
    .action(async (options) => (await commands.data()).inspect(options, terminal));
  return program;
}

function readSize(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('a whole number');
  return Number(text);
}

function readSeed(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > 2 ** 32 - 1) throw new InvalidArgumentError('a whole number from 0 to 4294967295');
  return seed;
}
