import type { Command } from 'commander';
import { Fault, siteName } from '@consilium/stdx';
import { integer } from './arguments.js';
import {
  connect,
  printJson,
  printLines,
  withConnection,
  withExample,
  type ConnectedOptions,
  type Context,
} from './context.js';
import { admit, draft } from './site-admission.js';

/** `consilium site …`: the sites as the coordinator sees them, and who may become one. */
export function registerSite(program: Command, context: Context): void {
  const site = program.command('site').description('invite, admit, revoke and see the federation’s sites');
  const named = (command: string, does: string): Command =>
    withConnection(site.command(command).argument('<name>', 'name of the site').description(does));

  withExample(
    withConnection(site.command('list').description('list the sites and whether they are connected')),
    'consilium site list',
  ).action((options: ConnectedOptions) =>
    context.act(options.json, async () => {
      const sites = await (await connect(context, options)).sites();
      if (options.json) return printJson(context, sites);
      const { siteTable } = await import('../site/tables.js');
      printLines(context, siteTable(sites, context.terminal));
    }),
  );

  withExample(
    named('invite', 'make a one-time token for a site to join with')
      .requiredOption('--jurisdiction <country>', 'the country whose law binds it, as DE (ISO 3166-1 alpha-2)')
      .option('--minutes <n>', 'how long the token is good', integer(1, 60), 60),
    'consilium site invite charite --jurisdiction DE',
  ).action((name: string, options: ConnectedOptions & { jurisdiction: string; minutes: number }) =>
    context.act(options.json, async () => {
      const { jurisdiction, minutes } = options;
      const invited = await (await connect(context, options)).invite({ site: name, jurisdiction, minutes });
      if (options.json) return printJson(context, invited);
      printLines(context, [
        `Send this to ${invited.site}; it is good once, until ${new Date(invited.expiresMs).toISOString()}:`,
        '',
        invited.token,
        '',
        'Its administrator runs: consilium agent join TOKEN',
        `Then here: consilium site admit ${invited.site} --root-key FILE`,
      ]);
    }),
  );

  withExample(
    withConnection(site.command('pending').description('list the sites that wait, with the six words of their keys')),
    'consilium site pending',
  ).action((options: ConnectedOptions) =>
    context.act(options.json, async () => {
      const enrolments = await (await connect(context, options)).enrolments();
      const { enrolmentLines, wordsOf } = await import('../site/tables.js');
      if (options.json)
        return printJson(
          context,
          enrolments.map((enrolment) => ({ ...enrolment, words: wordsOf(enrolment.signing) })),
        );
      printLines(context, enrolmentLines(enrolments, context.terminal));
    }),
  );

  withExample(
    named('admit', 'compare a site’s six words, and let it in with a roster that the root signs')
      .option('--root-key <file>', 'root.key, with root.pem beside it: the roster is signed here and only it is sent')
      .option('--roster <file>', 'the next roster, signed elsewhere (consilium ca sign-roster)')
      .option('--yes', 'the words were compared already'),
    'consilium site admit charite --root-key /media/usb/root.key',
    'consilium site admit charite --roster roster-4.json',
  ).action((name: string, options: ConnectedOptions & { rootKey?: string; roster?: string; yes?: boolean }) =>
    context.act(options.json, () => admit(context, name, options)),
  );

  withExample(
    named('draft-roster', 'write the roster that would admit a site, to be signed on the machine that holds the root')
      .requiredOption('--root <file>', 'the federation’s root.pem')
      .requiredOption('-o, --out <file>', 'the draft, JSON')
      .option('--current <file>', 'write the roster in force as well, for ca sign-roster --previous'),
    'consilium site draft-roster charite --root root.pem --out draft.json --current roster-3.json',
  ).action((name: string, options: ConnectedOptions & { root: string; out: string; current?: string }) =>
    context.act(options.json, () => draft(context, name, options)),
  );

  withExample(
    named('refuse', 'refuse a site that waits: another invitation is needed then'),
    'consilium site refuse charite',
  ).action((name: string, options: ConnectedOptions) =>
    context.act(options.json, async () => {
      const refused = await (await connect(context, options)).refuseSite(name);
      if (options.json) printJson(context, refused);
      else context.terminal.out(`${name} is refused.`);
    }),
  );

  withExample(
    named('revoke', 'shut a site out at once: its session ends, and every run goes on without it').option(
      '--root-key <file>',
      'root.key, with root.pem beside it: also sign a roster without the site',
    ),
    'consilium site revoke charite',
  ).action((name: string, options: ConnectedOptions & { rootKey?: string }) =>
    context.act(options.json, () => revoke(context, name, options)),
  );
}

async function revoke(context: Context, name: string, options: ConnectedOptions & { rootKey?: string }): Promise<void> {
  const [coordinator, { changeRoster, rootFolderOf }, { systemClock }] = await Promise.all([
    connect(context, options),
    import('../site/roster-change.js'),
    import('../clock.js'),
  ]);
  const { rootKey } = options;
  // A mistyped option must not be noticed only after the site is out.
  if (rootKey !== undefined) rootFolderOf(rootKey);
  const revoked = await coordinator.revokeSite(name);
  const left =
    rootKey === undefined
      ? undefined
      : await changeRoster(coordinator, [{ kind: 'revoke', site: siteName(name) }], {
          rootKey,
          nowMs: systemClock.now(),
        }).catch((error: unknown) => {
          context.terminal.err(`${name} is revoked, but the roster still lists it:`);
          throw Fault.from(error);
        });
  const version = left?.next.version ?? null;
  if (options.json) return printJson(context, { ...revoked, roster: version });
  printLines(context, [
    `${name} is revoked: its session has ended, and no certificate of it is accepted or renewed.`,
    version === null
      ? `The roster still lists it. With the root’s key: consilium site revoke ${name} --root-key FILE`
      : `Roster ${version} lists it no more.`,
  ]);
}
