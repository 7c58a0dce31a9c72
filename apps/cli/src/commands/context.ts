import type { Command } from 'commander';
import type { Coordinator } from '../api/coordinator.js';
import type { ConnectionOptions } from '../connection.js';
import type { Interrupts } from '../interrupts.js';
import type { KeptLogins } from '../people/kept-logins.js';
import type { Terminal } from '../terminal.js';

/** What every command is given. */
export interface Context {
  readonly terminal: Terminal;
  readonly interrupts: Interrupts;
  /** Runs a command's work and keeps its exit code; failures are told in one way. */
  readonly act: (json: boolean | undefined, work: () => Promise<number | void>) => Promise<void>;
}

export interface JsonOption {
  readonly json?: boolean;
}

export type ConnectedOptions = ConnectionOptions & JsonOption;

export const withJson = (command: Command): Command => command.option('--json', 'print JSON instead of text');

export const withConnection = (command: Command): Command =>
  withJson(
    command
      .option(
        '--url <url>',
        'the coordinator’s address (CONSILIUM_URL; default: the last login, or what `consilium up` started)',
      )
      .option(
        '--token-file <file>',
        'file with a bearer token (CONSILIUM_TOKEN_FILE, or the token in CONSILIUM_TOKEN; default: your login)',
      )
      .option('--state <dir>', 'state directory of `consilium up` (CONSILIUM_STATE; default: .consilium)'),
  );

/** Adds an example below a command's help. */
export const withExample = (command: Command, ...lines: string[]): Command =>
  command.addHelpText(
    'after',
    ['', lines.length > 1 ? 'Examples:' : 'Example:', ...lines.map((line) => `  ${line}`)].join('\n'),
  );

/** The coordinator that the options name; loaded only by commands that talk to one. */
export async function connect(context: Context, options: ConnectedOptions): Promise<Coordinator> {
  const [{ Coordinator }, { resolveConnection }, { readTextFile }, { systemClock }] = await Promise.all([
    import('../api/coordinator.js'),
    import('../connection.js'),
    import('../files.js'),
    import('../clock.js'),
  ]);
  const { env } = context.terminal;
  const connection = await resolveConnection(options, env, readTextFile, await keptLogins(context));
  return new Coordinator(connection, systemClock, context.interrupts.first);
}

/** The logins of the person at this terminal; undefined where there is no place for any. */
export async function keptLogins({ terminal, interrupts }: Context): Promise<KeptLogins | undefined> {
  const [{ KeptLogins }, { LoginFile }, { configFolder }, { systemClock }] = await Promise.all([
    import('../people/kept-logins.js'),
    import('../people/login-file.js'),
    import('../people/config-folder.js'),
    import('../clock.js'),
  ]);
  const folder = configFolder(terminal.env);
  return folder === undefined ? undefined : new KeptLogins(new LoginFile(folder), systemClock, interrupts.first);
}

export const printJson = (context: Context, value: unknown): void => context.terminal.out(JSON.stringify(value));
export const printLines = (context: Context, lines: readonly string[]): void =>
  lines.forEach((line) => context.terminal.out(line));
