import { Fault } from '@consilium/stdx';
import { Command, CommanderError, Option } from 'commander';
import { reportFailure, type ExitCode, type Terminal } from './terminal.js';

/** Each command is loaded when it is called, so that help comes at once. */
const commands = {
  fetch: () => import('./commands/fetch.js'),
  report: () => import('./commands/report.js'),
  log: () => import('./commands/log.js'),
  witnesses: () => import('./commands/witnesses.js'),
  replay: () => import('./commands/replay.js'),
  site: () => import('./commands/site.js'),
  compare: () => import('./commands/compare.js'),
  export: () => import('./commands/export.js'),
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
    if (error instanceof CommanderError) return reportFailure(new Fault('USAGE'), args.includes('--json'), terminal);
    return reportFailure(error, args.includes('--json'), terminal);
  }
}

const EVIDENCE = 'a bundle, or a state directory of a coordinator, a site or `consilium up`';

function describeCommands(terminal: Terminal, exitWith: (code: ExitCode) => void): Command {
  const program = new Command('consilium audit')
    .description('Checks what a federation did, from its evidence alone: offline, and believing nobody.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    });
  const command = (usage: string, description: string, ...examples: string[]): Command =>
    program
      .command(usage)
      .description(description)
      .option('--json', 'one JSON object on the last line, for programs')
      .addHelpText('after', ['', 'Examples:', ...examples.map((line) => `  consilium audit ${line}`)].join('\n'));
  const withPolicy = (of: Command): Command =>
    of.option('--policy <file>', 'whom you believe: a file that did not come with the evidence');
  const list = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

  command(
    'fetch',
    'copy the evidence into a bundle, while everything goes on serving',
    'fetch --state .consilium --out bundle',
    'fetch --url https://hub.example:8443 --token-file token --state /var/lib/consilium-agent --out bundle',
  )
    .option('--state <dir>', 'a state directory; may be named several times', list)
    .option('--url <url>', 'a coordinator’s address, for its log, documents, models and kept updates')
    .option('--token-file <file>', 'file with the token of an auditor (or the token itself in CONSILIUM_TOKEN)')
    .requiredOption('--out <dir>', 'the new bundle')
    .action(async (options) => exitWith(await (await commands.fetch()).fetchBundle(options, terminal)));

  withPolicy(
    command(
      'report <evidence>',
      'the whole audit and its verdict; exit code 0 for pass, 1 for fail',
      'report bundle --policy policy.json',
      'report bundle --policy policy.json --json --html report.html',
    ),
  )
    .option('--html <file>', 'also write a report for people: one file, no scripts')
    .action(async (evidence, options) => exitWith(await (await commands.report()).report(evidence, options, terminal)));

  withPolicy(
    command(
      'log <evidence>',
      'list entries of the logs',
      'log bundle --type egress.sent --site charite',
      'log bundle --run run-0123456789 --json',
    ),
  )
    .option('--origin <origin>', 'only this log, as lung/coordinator/2026')
    .option('--type <type>', 'only entries of this type')
    .option('--run <id>', 'only entries of this run')
    .option('--site <name>', 'only this site’s log, and what the coordinator says of the site')
    .action(async (evidence, options) =>
      exitWith(await (await commands.log()).listEntries(evidence, options, terminal)),
    );

  withPolicy(
    command(
      'witnesses <evidence>',
      'who cosigned what, and whether each offer had its quorum',
      'witnesses bundle --policy policy.json',
    ),
  ).action(async (evidence, options) =>
    exitWith(await (await commands.witnesses()).showWitnesses(evidence, options, terminal)),
  );

  withPolicy(
    command(
      'replay <evidence>',
      'every round again, and each model computed anew',
      'replay bundle --policy policy.json',
    ),
  )
    .option('--run <id>', 'only this run')
    .action(async (evidence, options) =>
      exitWith(await (await commands.replay()).showReplay(evidence, options, terminal)),
    );

  withPolicy(
    command('site <name> <evidence>', 'what left this site, to the byte', 'site charite bundle --policy policy.json'),
  ).action(async (name, evidence, options) =>
    exitWith(await (await commands.site()).showSite(name, evidence, options, terminal)),
  );

  withPolicy(
    command(
      'compare [a] [b]',
      'whether two people were shown the same history; exit code 1 and evidence if not',
      'compare bundle-of-charite bundle-of-rigshospitalet',
      'compare --verify equivocation.json --policy policy.json',
    ),
  )
    .option('--out <file>', 'where the evidence goes', 'equivocation.json')
    .option('--verify <file>', 'only check such evidence')
    .action(async (a, b, options) => exitWith(await (await commands.compare()).compare(a, b, options, terminal)));

  command(
    'export <evidence>',
    `the entries in another form (${EVIDENCE})`,
    'export bundle --format csv --out entries.csv',
    'export bundle --format fhir --out audit-events.json',
    'export .consilium --format bundle --out bundle',
  )
    .addOption(
      new Option('--format <format>', 'what to write').choices(['csv', 'fhir', 'bundle']).makeOptionMandatory(),
    )
    .requiredOption('--out <path>', 'the new file, or folder for a bundle')
    .action(async (evidence, options) =>
      exitWith(await (await commands.export()).exportEvidence(evidence, options, terminal)),
    );

  return program;
}
