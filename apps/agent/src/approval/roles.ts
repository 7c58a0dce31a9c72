import { APPROVER_ROLES } from '../settings.js';

export type Role = (typeof APPROVER_ROLES)[number];

export const isRole = (word: string): word is Role => APPROVER_ROLES.some((role) => role === word);

const IN_WORDS: Readonly<Record<Role, string>> = {
  operator: 'the operator',
  'data-protection-officer': 'the data-protection officer',
};

export const inWords = (role: Role): string => IN_WORDS[role];

/** `the operator and the data-protection officer`. */
export const allInWords = (roles: readonly Role[]): string => roles.map(inWords).join(' and ');
