import type { Terminal } from '../terminal.js';
import { NOTHING, utc } from '../text/numbers.js';
import { table } from '../text/table.js';
import { harmless } from '../text/width.js';
import { grantText } from './grants.js';
import type { Account, Whoami } from './shapes.js';

/** Who may do what. Names come from people and from the identity provider, so they are made harmless first. */
export function accountTable(
  accounts: readonly Account[],
  { columns, paint }: Pick<Terminal, 'columns' | 'paint'>,
): string[] {
  if (accounts.length === 0) return ['Nobody has an account yet.'];
  return table(
    [
      { title: 'person' },
      { title: 'name', shrinks: true },
      { title: 'login', shrinks: true },
      { title: 'roles', shrinks: true },
    ],
    accounts.map(({ person, name, login, grants, disabledMs }) => [
      person,
      harmless(name),
      login === null ? NOTHING : harmless(login),
      disabledMs === null ? rolesText(grants) : paint.yellow('disabled'),
    ]),
    columns(),
    paint,
  );
}

export const whoamiLines = ({ person, grants, authMs }: Whoami): string[] => [
  `You are ${person}.`,
  `Roles: ${rolesText(grants)}`,
  `You last proved who you are at ${utc(authMs)}.`,
];

const rolesText = (grants: Account['grants']): string =>
  grants.length === 0 ? 'none' : grants.map((grant) => harmless(grantText(grant))).join(', ');
