import type { Command } from 'commander';
import type { PersonId, RosterChange, RosterRole } from '@consilium/identity';
import { Fault } from '@consilium/stdx';
import {
  connect,
  printJson,
  printLines,
  withConnection,
  withExample,
  type ConnectedOptions,
  type Context,
} from './context.js';
import type { RosterLine } from '../ca/sign-roster.js';

type Rooted = ConnectedOptions & { readonly rootKey: string };

/** `consilium roster …`: whose keys count, as the root has signed it. Sites come in by `site admit`. */
export function registerRoster(program: Command, context: Context): void {
  const roster = program.command('roster').description('see who belongs to the federation, and change who signs plans');

  withExample(
    withConnection(
      roster.command('show').description('show the roster in force, checked against the root'),
    ).requiredOption('--root <file>', 'the federation’s root.pem'),
    'consilium roster show --root root.pem',
  ).action((options: ConnectedOptions & { root: string }) =>
    context.act(options.json, async () => {
      const [coordinator, { readRootPem, rosterInForce }, { linesOf }] = await Promise.all([
        connect(context, options),
        import('../site/roster-change.js'),
        import('../ca/sign-roster.js'),
      ]);
      const shown = await rosterInForce(coordinator, await readRootPem(options));
      if (options.json) return printJson(context, shown);
      printLines(context, [`Roster ${shown.version}, signed by the root:`, ...linesOf(shown).map(textOf)]);
    }),
  );

  withExample(
    withRootKey(
      roster
        .command('enlist')
        .argument('<person>', 'the person’s id (consilium account list)')
        .description('let a person sign plans'),
    )
      .requiredOption('--key <text>', 'their public key (consilium key show)')
      .requiredOption('--role <role...>', 'proposer, admin, or both'),
    'consilium roster enlist person-0a1b2c3d4e5f6g7h --key 3q2+7w… --role proposer --root-key root.key',
  ).action((person: string, options: Rooted & { key: string; role: string[] }) => {
    const change = (): RosterChange => {
      const roles = [...new Set(options.role)].sort();
      if (!roles.every((role) => role === 'admin' || role === 'proposer'))
        throw new Fault('USAGE', { expected: '--role proposer or admin' });
      return {
        kind: 'enlist',
        person: { person: idOf(person), roles: roles as RosterRole[], signing: options.key },
      };
    };
    return context.act(options.json, () => changed(context, options, change));
  });

  withExample(
    withRootKey(
      roster
        .command('dismiss')
        .argument('<person>', 'the person’s id')
        .description('let a person sign no more: plans that they signed need another signature'),
    ),
    'consilium roster dismiss person-0a1b2c3d4e5f6g7h --root-key root.key',
  ).action((person: string, options: Rooted) =>
    context.act(options.json, () => changed(context, options, () => ({ kind: 'dismiss', person: idOf(person) }))),
  );

  withExample(
    withConnection(
      roster
        .command('install')
        .argument('<file>', 'the next roster, signed elsewhere (consilium ca sign-roster)')
        .description('put a roster in force that changes people or leaves out revoked sites'),
    ),
    'consilium roster install roster-5.json',
  ).action((file: string, options: ConnectedOptions) =>
    context.act(options.json, async () => {
      const [coordinator, { readRosterFile }] = await Promise.all([
        connect(context, options),
        import('../site/roster-change.js'),
      ]);
      await coordinator.installRoster(await readRosterFile(file));
      if (options.json) printJson(context, { installed: true });
      else context.terminal.out('The roster is in force.');
    }),
  );
}

const withRootKey = (command: Command): Command =>
  withConnection(command).requiredOption('--root-key <file>', 'root.key, with root.pem beside it');

async function changed(context: Context, options: Rooted, change: () => RosterChange): Promise<void> {
  const [coordinator, { changeRoster }, { systemClock }] = await Promise.all([
    connect(context, options),
    import('../site/roster-change.js'),
    import('../clock.js'),
  ]);
  const terms = { rootKey: options.rootKey, nowMs: systemClock.now() };
  const { next, lines } = await changeRoster(coordinator, [change()], terms);
  if (options.json) return printJson(context, { version: next.version, lines });
  const changes = lines.filter(({ mark }) => mark !== ' ');
  printLines(context, [`Roster ${next.version} is in force:`, ...changes.map(textOf)]);
}

/** As the coordinator mints them; a mistyped one is told before anything is asked. */
function idOf(text: string): PersonId {
  if (!/^person-[0-9a-z]{10,26}$/.test(text))
    throw new Fault('USAGE', { expected: 'a person’s id, as person-0a1b2c3d4e' });
  return text as PersonId;
}

/** The words are the last, since they are what one reads aloud. */
const textOf = ({ mark, name, what, words }: RosterLine): string => `${mark} ${name}${what && ` (${what})`}: ${words}`;
