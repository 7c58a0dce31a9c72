import type { Command } from 'commander';
import { Fault } from '@consilium/stdx';
import { integer } from './arguments.js';
import { printJson, printLines, withExample, withJson, type Context, type JsonOption } from './context.js';
import type { IdentityShown } from '../ca/show.js';
import type { RosterLine } from '../ca/sign-roster.js';

interface Options extends JsonOption {
  readonly dir: string;
}

const ROOT_DAYS = 3650;
const INTERMEDIATE_DAYS = 365;

/** `consilium ca …`: a federation's root and what it signs. Needs no coordinator and no network: run it offline. */
export function registerCa(program: Command, context: Context): void {
  const ca = program.command('ca').description('make a federation’s root, and sign with it');

  withExample(
    withDays(
      withDir(ca.command('init').description('make the federation’s root, to be used offline')),
      ROOT_DAYS,
    ).option('--federation <name>', 'name of the federation', 'demo'),
    'consilium ca init --federation lungs --dir pki',
  ).action((options: Options & { federation: string; days: number }) =>
    context.act(options.json, async () => {
      const { initRoot } = await import('../ca/root-folder.js');
      const root = await initRoot(options.dir, options.federation, { now: await now(), days: options.days });
      if (options.json) return printJson(context, root);
      printLines(context, [
        `${root.spiffe}, valid until ${day(root.notAfterMs)}`,
        `certificate  ${root.certificate}   (for everybody)`,
        `private key  ${root.privateKey}   (mode 600: keep it offline, and a copy of it elsewhere; whoever has it is the federation)`,
        `fingerprint  ${root.fingerprint}`,
      ]);
    }),
  );

  withExample(
    withDays(
      withDir(ca.command('issue-coordinator').description('make the coordinator’s identity folder')),
      INTERMEDIATE_DAYS,
    )
      .requiredOption('--out <folder>', 'the identity folder to make, for the coordinator’s setting `identity`')
      .option('--host <name...>', 'names or IP addresses under which sites reach it')
      .option('--renew', 'only give a folder that exists another intermediate; its key and roster stay'),
    'consilium ca issue-coordinator --dir pki --out hub-identity --host hub.example.org',
    'consilium ca issue-coordinator --dir pki --out hub-identity --renew',
  ).action((options: Options & { out: string; host?: string[]; renew?: boolean; days: number }) =>
    context.act(options.json, async () => issueCoordinator(context, options)),
  );

  withExample(
    withDir(ca.command('sign-roster').description('sign a roster where the root’s key is'))
      .requiredOption('--roster <file>', 'the draft, JSON')
      .requiredOption('--out <file>', 'the signed roster; it is never overwritten')
      .option(
        '--previous <file>',
        'the signed roster before: shows what changes, and refuses one that does not follow',
      ),
    'consilium ca sign-roster --dir pki --roster draft.json --previous roster-1.json --out roster-2.json',
  ).action((options: Options & { roster: string; out: string; previous?: string }) =>
    context.act(options.json, async () => {
      const { signRosterFile } = await import('../ca/sign-roster.js');
      const { dir: root, roster: draft, previous, out } = options;
      const signed = await signRosterFile({ root, draft, out, ...(previous !== undefined && { previous }) });
      if (options.json) return printJson(context, signed);
      printLines(context, [
        `roster ${signed.version} is signed: ${signed.file}`,
        `digest  ${signed.digest}`,
        ...rosterLines(signed.lines),
      ]);
    }),
  );

  withExample(
    withJson(
      ca
        .command('show')
        .argument('<folder>', 'folder of a root, of a coordinator’s identity or of a site’s')
        .description('show what stands in a folder, and check it against its root'),
    ),
    'consilium ca show hub-identity',
  ).action((folder: string, options: JsonOption) =>
    context.act(options.json, async () => {
      const { showIdentity } = await import('../ca/show.js');
      const shown = await showIdentity(folder, await now());
      if (options.json) return printJson(context, shown);
      printLines(context, identityLines(shown));
    }),
  );
}

async function issueCoordinator(
  context: Context,
  options: Options & { out: string; host?: string[]; renew?: boolean; days: number },
): Promise<void> {
  const { issueCoordinator: issue, renewIntermediate } = await import('../ca/coordinator-folder.js');
  const terms = { root: options.dir, out: options.out, now: await now(), days: options.days };
  if (options.renew) {
    if (options.host) throw new Fault('USAGE', { expected: 'either --host or --renew' });
    const renewed = await renewIntermediate(terms);
    if (options.json) return printJson(context, renewed);
    return printLines(context, [`${renewed.folder} has an intermediate until ${day(renewed.notAfterMs)}.`]);
  }
  if (!options.host)
    throw new Fault('USAGE', { expected: '--host, with a name under which sites reach the coordinator' });
  const made = await issue({ ...terms, hosts: options.host });
  if (options.json) return printJson(context, made);
  printLines(context, [
    `identity     ${made.folder}   (mode 600; it goes to the coordinator and nowhere else)`,
    `federation   ${made.federation}`,
    `valid until  ${day(made.notAfterMs)}   (then: consilium ca issue-coordinator --renew)`,
    `public key   ${made.signing.publicKey}`,
    `fingerprint  ${made.signing.words}`,
    `roster       version 1, without sites: invite them, and sign who is admitted`,
  ]);
}

const withDir = (command: Command): Command => withJson(command).option('--dir <folder>', 'folder of the root', 'pki');
const withDays = (command: Command, days: number): Command =>
  command.option('--days <n>', 'how long it is valid', integer(1, ROOT_DAYS), days);

const now = async (): Promise<number> => (await import('../clock.js')).systemClock.now();
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function identityLines({ certificates, signing, roster }: IdentityShown): string[] {
  return [
    ...certificates.flatMap(({ file, spiffe, notAfter, expired, fingerprint }) => [
      `${file.padEnd(16)}  ${spiffe}, ${expired ? 'EXPIRED on' : 'valid until'} ${new Date(notAfter).toISOString()}`,
      `${' '.repeat(16)}  SHA-256 ${fingerprint}`,
    ]),
    ...(signing ? [`${'signing.key'.padEnd(16)}  ${signing.publicKey}`, `${' '.repeat(16)}  ${signing.words}`] : []),
    ...(roster
      ? [`${'roster.json'.padEnd(16)}  version ${roster.version}, signed by the root`, ...rosterLines(roster.lines)]
      : []),
  ];
}

/** Everybody on a line of their own; the words are the last, since they are what one reads aloud. */
const rosterLines = (lines: readonly RosterLine[]): string[] =>
  lines.map(({ mark, name, what, words }) => `${mark} ${name}${what && ` (${what})`}: ${words}`);
