import { canonicalJson, NAME_PATTERN, type SiteName, type StudyName } from '@consilium/stdx';
import { z } from 'zod';

/** What people may be. The words that hospitals' rules use for them; nobody has all of them by being important. */
export const ROLES = [
  'admin',
  'coordinator',
  'researcher',
  'site-operator',
  'data-protection-officer',
  'auditor',
] as const;

export type Role = (typeof ROLES)[number];

/**
 * What a role is bound to. A site operator and a data-protection officer speak for one hospital, a researcher for the
 * studies that they were asked to do; the others see the whole federation.
 */
export const BOUND_TO = {
  admin: 'federation',
  coordinator: 'federation',
  researcher: 'study',
  'site-operator': 'site',
  'data-protection-officer': 'site',
  auditor: 'federation',
} as const satisfies Record<Role, 'federation' | 'study' | 'site'>;

const site = z.string().regex(NAME_PATTERN, 'the name of a site');
const study = z.string().regex(NAME_PATTERN, 'the name of a study');

/** A role together with what it is bound to: a researcher without a study, or an admin of one site, cannot be written. */
export const grantSchema = z
  .discriminatedUnion('role', [
    z.strictObject({ role: z.enum(['admin', 'coordinator', 'auditor']) }),
    z.strictObject({ role: z.literal('researcher'), study }),
    z.strictObject({ role: z.enum(['site-operator', 'data-protection-officer']), site }),
  ])
  .meta({ id: 'Grant' });

export type Grant =
  | { readonly role: 'admin' | 'coordinator' | 'auditor' }
  | { readonly role: 'researcher'; readonly study: StudyName }
  | { readonly role: 'site-operator' | 'data-protection-officer'; readonly site: SiteName };

/** What a grant is bound to, as one word; empty for the whole federation. */
export const boundTo = (grant: Grant): string => ('study' in grant ? grant.study : 'site' in grant ? grant.site : '');

/** The grant of a role and that word. */
export const grantOf = ({ role, boundTo: to }: { readonly role: string; readonly boundTo: string }): Grant =>
  ({ role, ...(to && { [BOUND_TO[role as Role]]: to }) }) as unknown as Grant;

/** Whether two grants are one. */
export const sameGrant = (a: Grant, b: Grant): boolean => canonicalJson(a) === canonicalJson(b);
