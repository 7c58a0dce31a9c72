import type { PersonId } from './person-id.js';
import type { ObjectScope } from './objects.js';
import type { Grant, Role } from './roles.js';

/** Somebody who was let in, with what they may do today. Their name is not here: what they do is logged by pseudonym. */
export class Caller {
  constructor(
    readonly person: PersonId,
    readonly grants: readonly Grant[],
    /** When they last proved who they are. UTC, milliseconds since 1970. */
    readonly authMs: number,
  ) {}

  get roles(): readonly Role[] {
    return [...new Set(this.grants.map(({ role }) => role))];
  }

  /** Whether one of these roles, within what it is bound to, reaches the object. Undefined: an object of nobody. */
  reaches(roles: readonly Role[], object: ObjectScope | undefined): boolean {
    return this.grants.some((grant) => roles.includes(grant.role) && covers(grant, object));
  }

  /** Whether any role of theirs reaches the object: how a list is narrowed to what its reader may see. */
  sees(object: ObjectScope): boolean {
    return this.grants.some((grant) => covers(grant, object));
  }
}

function covers(grant: Grant, object: ObjectScope | undefined): boolean {
  if ('study' in grant) return object?.study === grant.study;
  if ('site' in grant) return object?.sites.includes(grant.site) ?? false;
  return true;
}
