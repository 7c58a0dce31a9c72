import { InvalidArgumentError } from 'commander';
import { NAME_PATTERN } from '@consilium/stdx';
import type { Grant } from './shapes.js';

/** Which word a role is bound by; none for those of the whole federation. */
const BOUND_TO: Readonly<Record<string, 'study' | 'site' | null>> = {
  admin: null,
  coordinator: null,
  auditor: null,
  researcher: 'study',
  'site-operator': 'site',
  'data-protection-officer': 'site',
};

export const ROLE_ARGUMENT = `role, with its study or site after a colon: ${Object.entries(BOUND_TO)
  .map(([role, bound]) => (bound === null ? role : `${role}:${bound.toUpperCase()}`))
  .join(', ')}`;

/** `auditor` or `researcher:lung-nodule`, as a grant of the API. */
export function parseGrant(text: string): Grant {
  const [role = '', to, ...rest] = text.split(':');
  const bound = Object.hasOwn(BOUND_TO, role) ? BOUND_TO[role]! : undefined;
  if (bound === undefined || rest.length > 0) throw new InvalidArgumentError(`Expected a ${ROLE_ARGUMENT}.`);
  if (bound === null) {
    if (to !== undefined) throw new InvalidArgumentError(`The role ${role} is for the whole federation.`);
    return { role };
  }
  if (to === undefined || !NAME_PATTERN.test(to))
    throw new InvalidArgumentError(`Expected ${role}:${bound.toUpperCase()}.`);
  return { role, [bound]: to };
}

/** A grant as it is typed. */
export const grantText = ({ role, study, site }: Grant): string => [role, study ?? site].filter(Boolean).join(':');
