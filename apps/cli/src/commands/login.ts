import { Fault } from '@consilium/stdx';
import type { Command } from 'commander';
import {
  connect,
  keptLogins,
  printJson,
  printLines,
  withConnection,
  withExample,
  withJson,
  type ConnectedOptions,
  type Context,
  type JsonOption,
} from './context.js';

interface LoginOptions extends JsonOption {
  readonly url?: string;
  readonly state?: string;
  readonly name?: string;
  readonly stepUp?: boolean;
  readonly setup?: boolean;
}

const withAddress = (command: Command): Command =>
  withJson(
    command
      .option(
        '--url <url>',
        'the coordinator’s address (CONSILIUM_URL; default: the last login, or what `consilium up` started)',
      )
      .option('--state <dir>', 'state directory of `consilium up` (CONSILIUM_STATE; default: .consilium)'),
  );

/** `consilium login`, `logout`, `whoami`: who the person at this terminal is to a coordinator. */
export function registerLogin(program: Command, context: Context): void {
  withExample(
    withAddress(program.command('login').description('prove who you are to a coordinator'))
      .option('--name <login>', 'log in with an account of the coordinator instead of the identity provider')
      .option('--step-up', 'prove it anew, as approvals and changes of roles need')
      .option('--setup', 'the first time: set your password and second factor with the secret that an admin gave you'),
    'consilium login --url https://hub.example',
    'consilium login --name a.weber --step-up',
  ).action((options: LoginOptions) => context.act(options.json, () => logIn(context, options)));

  withExample(withAddress(program.command('logout').description('end your login')), 'consilium logout').action(
    (options: LoginOptions) =>
      context.act(options.json, async () => {
        const [logins, url] = await addressOf(context, options);
        const ended = await logins.end(url);
        if (options.json) printJson(context, { url, ended });
        else context.terminal.out(ended ? `Logged out of ${url}.` : `There was no login to ${url}.`);
      }),
  );

  withExample(
    withConnection(program.command('whoami').description('show who you are to a coordinator, and your roles')).option(
      '--token',
      'print an access token of ten minutes, for CONSILIUM_TOKEN and other programs',
    ),
    'consilium whoami',
    'CONSILIUM_TOKEN=$(consilium whoami --token) ./nightly-report.sh',
  ).action((options: ConnectedOptions & { token?: boolean }) =>
    context.act(options.json, async () => {
      if (options.token) {
        const [logins, url] = await addressOf(context, options);
        return context.terminal.out(await logins.token(url));
      }
      const [coordinator, { whoamiShape }, { whoamiLines }] = await Promise.all([
        connect(context, options),
        import('../people/shapes.js'),
        import('../people/tables.js'),
      ]);
      const whoami = await coordinator.ask('whoami', whoamiShape);
      if (options.json) printJson(context, whoami);
      else printLines(context, whoamiLines(whoami));
    }),
  );
}

async function logIn(context: Context, options: LoginOptions): Promise<void> {
  const [{ LoginApi }, { logInByBrowser, logInByName, setUp }, { systemClock }] = await Promise.all([
    import('../people/api.js'),
    import('../people/log-in.js'),
    import('../clock.js'),
  ]);
  const { terminal } = context;
  const signal = context.interrupts.first;
  const [logins, url] = await addressOf(context, options);
  const ports = { api: new LoginApi(url, signal), terminal, clock: systemClock, signal };
  if (options.setup) {
    const codes = await setUp(ports);
    if (options.json) return printJson(context, { recoveryCodes: codes });
    const intro =
      'Your account is set up. Keep these recovery codes; each replaces the app once, and they are not shown again:';
    return printLines(context, [
      intro,
      '',
      ...codes.map((code) => `  ${code}`),
      '',
      'Next: consilium login --name YOU',
    ]);
  }
  const { oidc, local } = await ports.api.methods();
  if (options.name === undefined && !oidc) {
    throw local ? new Fault('USAGE', { expected: '--name' }) : new Fault('LOGIN_METHOD_UNAVAILABLE');
  }
  const tokens =
    options.name === undefined
      ? await logInByBrowser(ports, Boolean(options.stepUp))
      : await logInByName(ports, options.name);
  await logins.keep(url, tokens);
  const { person, roles } = tokens;
  if (options.json) printJson(context, { url, person, roles });
  else terminal.out(`Logged in to ${url} as ${person}: ${roles.join(', ')}.`);
}

async function addressOf(context: Context, options: LoginOptions) {
  const [logins, { resolveAddress }, { readTextFile }] = await Promise.all([
    keptLogins(context),
    import('../connection.js'),
    import('../files.js'),
  ]);
  if (!logins) throw new Fault('SETTINGS_INVALID', { setting: 'CONSILIUM_CONFIG', expected: 'a folder for logins' });
  return [logins, await resolveAddress(options, context.terminal.env, readTextFile, logins)] as const;
}
