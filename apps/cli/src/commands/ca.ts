import type { Command } from 'commander';
import type * as AuthorityFolder from '../ca/authority-folder.js';
import { integer } from './arguments.js';
import { printJson, printLines, withExample, withJson, type Context, type JsonOption } from './context.js';

interface Options extends JsonOption {
  readonly dir: string;
  readonly days: number;
}

const AUTHORITY_DAYS = 3650;
const LEAF_DAYS = 90;

/** `consilium ca …`: a federation's certificates, made by hand. Needs no coordinator and no network. */
export function registerCa(program: Command, context: Context): void {
  const ca = program.command('ca').description('make a federation’s certificates');

  withExample(
    common(
      ca.command('init').description('make the federation’s authority: keep ca.key offline'),
      AUTHORITY_DAYS,
    ).requiredOption('--federation <name>', 'name of the federation'),
    'consilium ca init --federation lungs --dir pki',
  ).action((options: Options & { federation: string }) =>
    act(context, options, async ({ initAuthority }, validity) =>
      initAuthority(options.dir, options.federation, validity),
    ),
  );

  withExample(
    common(
      ca.command('issue-coordinator').description('issue the coordinator’s certificate'),
      LEAF_DAYS,
    ).requiredOption('--host <name...>', 'names or IP addresses under which sites reach it'),
    'consilium ca issue-coordinator --dir pki --host hub.example.org',
  ).action((options: Options & { host: string[] }) =>
    act(
      context,
      options,
      async ({ issueCoordinator }, validity) => issueCoordinator(options.dir, options.host, validity),
      'pin',
    ),
  );

  withExample(
    common(
      ca.command('issue-site').argument('<name>', 'name of the site').description('issue a site’s certificate'),
      LEAF_DAYS,
    ),
    'consilium ca issue-site north --dir pki',
  ).action((name: string, options: Options) =>
    act(context, options, async ({ issueSite }, validity) => issueSite(options.dir, name, validity)),
  );
}

const common = (command: Command, days: number): Command =>
  withJson(command)
    .option('--dir <folder>', 'folder of the certificates', 'pki')
    .option('--days <n>', 'how long it is valid', integer(1, AUTHORITY_DAYS), days);

function act(
  context: Context,
  { json, days }: Options,
  issue: (folder: typeof AuthorityFolder, validity: AuthorityFolder.Validity) => Promise<AuthorityFolder.IssuedFiles>,
  also?: 'pin',
): Promise<void> {
  return context.act(json, async () => {
    const [folder, { systemClock }] = await Promise.all([import('../ca/authority-folder.js'), import('../clock.js')]);
    const issued = await issue(folder, { now: systemClock.now(), days });
    if (json) return printJson(context, issued);
    printLines(context, [
      `${issued.spiffe}, valid until ${new Date(issued.notAfterMs).toISOString().slice(0, 10)}`,
      `certificate  ${issued.certificate}`,
      `private key  ${issued.privateKey}   (mode 600; it goes to its owner and nowhere else)`,
      ...(also === 'pin' ? [`pin          ${issued.publicKeyPin}   (for the sites’ settings: coordinator.pin)`] : []),
    ]);
  });
}
