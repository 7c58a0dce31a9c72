import { Command, CommanderError } from 'commander';
import { registerAccount } from './commands/account.js';
import { registerCa } from './commands/ca.js';
import { registerLogin } from './commands/login.js';
import { registerKey } from './commands/key.js';
import { registerModel } from './commands/model.js';
import { registerRoster } from './commands/roster.js';
import { registerRun } from './commands/run.js';
import { registerSite } from './commands/site.js';
import { registerStudy } from './commands/study.js';
import { registerUp } from './commands/up.js';
import { withExample, type Context } from './commands/context.js';
import { EXIT, tellFailure } from './failure.js';
import type { Interrupts } from './interrupts.js';
import { RELEASE } from './release.js';
import type { ProgramName } from './programs/locate.js';
import type { Terminal } from './terminal.js';

/** Words that stand for a program of their own. */
const PROGRAMS: ReadonlyMap<string, ProgramName> = new Map([
  ['agent', 'agent'],
  ['audit', 'auditor'],
  ['coordinator', 'coordinator'],
]);

/**
 * Runs one command line and answers its exit code: 0 done, 1 failed with a code, 2 not understood, 130 interrupted.
 * Nothing is loaded that the command does not need, so that the first line comes at once.
 */
export async function runCommand(argv: readonly string[], terminal: Terminal, interrupts: Interrupts): Promise<number> {
  const [word, ...rest] = argv;
  const named = PROGRAMS.get(word ?? '');
  if (named) return dispatch(named, rest, terminal);

  let exit: number = EXIT.ok;
  const context: Context = {
    terminal,
    interrupts,
    act: async (json, work) => {
      try {
        exit = (await work()) ?? EXIT.ok;
      } catch (error) {
        exit = tellFailure(error, terminal, Boolean(json));
      }
    },
  };
  try {
    await buildProgram(context).parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0 || error.code === 'commander.help') return argv.length === 0 ? EXIT.usage : EXIT.ok;
    if (argv.includes('--json'))
      terminal.out(JSON.stringify({ error: { code: 'USAGE', message: usageSentence(error.message), facts: {} } }));
    return EXIT.usage;
  }
  return exit;
}

/** As git does: the word's own program, as a process. */
async function dispatch(program: ProgramName, args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const [{ locate }, { passThrough }] = await Promise.all([
      import('./programs/locate.js'),
      import('./programs/pass-through.js'),
    ]);
    return await passThrough(locate(program), args);
  } catch (error) {
    return tellFailure(error, terminal, args.includes('--json'));
  }
}

export function buildProgram(context: Context): Command {
  const { terminal } = context;
  const program = new Command('consilium')
    .description('Federated learning for medical imaging: patient images never leave the premises.')
    .version(RELEASE)
    .helpOption('-h, --help', 'show what a command does')
    .helpCommand('help [command]', 'show what a command does')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
      getOutHelpWidth: terminal.columns,
      getErrHelpWidth: terminal.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      outputError: (text, write) => write(`consilium: USAGE: ${usageSentence(text)}`),
    });
  withExample(
    program,
    'consilium up --once',
    'consilium study init chest-nodules --template lung-nodule',
    'consilium agent check --settings agent.yaml',
  );
  registerUp(program, context);
  registerStudy(program, context);
  registerRun(program, context);
  registerSite(program, context);
  registerRoster(program, context);
  registerModel(program, context);
  registerLogin(program, context);
  registerAccount(program, context);
  registerCa(program, context);
  registerKey(program, context);
  // These never reach commander; they stand here for the help and for did-you-mean.
  program
    .command('coordinator')
    .description('the coordinator’s own commands (consilium coordinator --help)')
    .allowUnknownOption();
  program
    .command('audit')
    .description('check what a federation did, offline and believing nobody (consilium audit --help)')
    .allowUnknownOption();
  program
    .command('agent')
    .description('the agent’s own commands, one site each (consilium agent --help)')
    .allowUnknownOption();
  return program;
}

/** commander's sentence on one line, without its own `error:` in front. */
const usageSentence = (text: string): string =>
  text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ');
