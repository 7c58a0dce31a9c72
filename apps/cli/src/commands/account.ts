import type { Command } from 'commander';
import { parseGrant, ROLE_ARGUMENT } from '../people/grants.js';
import type { Account, Grant } from '../people/shapes.js';
import {
  connect,
  printJson,
  printLines,
  withConnection,
  withExample,
  type ConnectedOptions,
  type Context,
} from './context.js';

const collect = (text: string, before: readonly Grant[]): Grant[] => [...before, parseGrant(text)];

/** `consilium account …`: who has an account at the coordinator, and what they may do. For admins. */
export function registerAccount(program: Command, context: Context): void {
  const account = program.command('account').description('say who may do what');

  withExample(
    withConnection(account.command('list').description('list the accounts and their roles')),
    'consilium account list',
  ).action((options: ConnectedOptions) =>
    context.act(options.json, async () => {
      const [coordinator, { accountsShape }, { accountTable }] = await api(context, options);
      const { accounts } = await coordinator.ask('accounts', accountsShape);
      if (options.json) printJson(context, accounts);
      else printLines(context, accountTable(accounts, context.terminal));
    }),
  );

  withExample(
    withConnection(
      account
        .command('create')
        .argument('<login>', 'what the person types to log in')
        .description('create an account, for where there is no identity provider'),
    )
      .option('--name <text>', 'the person’s name, for other admins')
      .option('--role <role>', ROLE_ARGUMENT, collect, []),
    'consilium account create a.weber --role researcher:lung-nodule',
  ).action((login: string, options: ConnectedOptions & { name?: string; role: Grant[] }) =>
    context.act(options.json, async () => {
      const [coordinator, { invitationShape }] = await api(context, options);
      const body = { login, grants: options.role, ...(options.name !== undefined && { name: options.name }) };
      const invitation = await coordinator.ask('accounts', invitationShape, { method: 'POST', body });
      if (options.json) printJson(context, invitation);
      else printLines(context, invitationLines(login, invitation.person, invitation.setupSecret));
    }),
  );

  withExample(
    withConnection(
      account
        .command('invite')
        .argument('<person>', 'the person’s id')
        .description('let a person set password and second factor anew'),
    ),
    'consilium account invite person-4k2x0zmjvsb9qw7d',
  ).action((person: string, options: ConnectedOptions) =>
    context.act(options.json, async () => {
      const [coordinator, { invitationShape }] = await api(context, options);
      const invitation = await coordinator.ask(pathOf(person, 'invite'), invitationShape, { method: 'POST' });
      if (options.json) printJson(context, invitation);
      else printLines(context, invitationLines('the account', person, invitation.setupSecret));
    }),
  );

  for (const [verb, does] of [
    ['grant', 'give a person a role'],
    ['revoke', 'take a role away from a person, at once'],
  ] as const) {
    withExample(
      withConnection(
        account
          .command(verb)
          .argument('<person>', 'the person’s id')
          .argument('<role>', ROLE_ARGUMENT, parseGrant)
          .description(does),
      ),
      `consilium account ${verb} person-4k2x0zmjvsb9qw7d data-protection-officer:hospital-a`,
    ).action((person: string, grant: Grant, options: ConnectedOptions) =>
      context.act(options.json, () => change(context, options, person, verb, grant)),
    );
  }

  withExample(
    withConnection(
      account.command('disable').argument('<person>', 'the person’s id').description('disable an account, for good'),
    ),
    'consilium account disable person-4k2x0zmjvsb9qw7d',
  ).action((person: string, options: ConnectedOptions) =>
    context.act(options.json, () => change(context, options, person, 'disable')),
  );

  withExample(
    withConnection(
      account
        .command('erase')
        .argument('<person>', 'the person’s id')
        .description('erase a person’s name and account; the ledger keeps only the pseudonym'),
    ),
    'consilium account erase person-4k2x0zmjvsb9qw7d',
  ).action((person: string, options: ConnectedOptions) =>
    context.act(options.json, async () => {
      const [coordinator, { erasedShape }] = await api(context, options);
      const erased = await coordinator.ask(pathOf(person, 'erase'), erasedShape, { method: 'POST' });
      if (options.json) printJson(context, erased);
      else context.terminal.out(`Erased ${erased.erased}; nothing leads from it to a name any more.`);
    }),
  );
}

const pathOf = (person: string, verb: string): string => `accounts/${encodeURIComponent(person)}/${verb}`;

async function api(context: Context, options: ConnectedOptions) {
  const [coordinator, shapes, tables] = await Promise.all([
    connect(context, options),
    import('../people/shapes.js'),
    import('../people/tables.js'),
  ]);
  return [coordinator, shapes, tables] as const;
}

async function change(
  context: Context,
  options: ConnectedOptions,
  person: string,
  verb: 'grant' | 'revoke' | 'disable',
  body?: Grant,
): Promise<void> {
  const [coordinator, { accountShape }, { accountTable }] = await api(context, options);
  const changed: Account = await coordinator.ask(pathOf(person, verb), accountShape, { method: 'POST', body });
  if (options.json) printJson(context, changed);
  else printLines(context, accountTable([changed], context.terminal));
}

const invitationLines = (login: string, person: string, secret: string): string[] => [
  `${login} is ${person}. Hand this secret over, in person or by phone; it works once, within three days:`,
  '',
  `  ${secret}`,
  '',
  'Then they run: consilium login --setup',
];
