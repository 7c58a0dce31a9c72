import { randomInt } from 'node:crypto';
import type { Branded } from '@consilium/stdx';

/** The pseudonym of a person: random, so that nothing in a log leads to a name once the account is erased. */
export type PersonId = Branded<'PersonId'>;

export const PERSON_ID_PATTERN = /^person-[0-9a-z]{10,26}$/;

/** Whoever may read the state folder: scripts on the coordinator's own machine. */
export const MACHINE = 'person-machine000' as PersonId;

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** 16 characters of 36: 82 bits, so that no two are ever the same. */
export const newPersonId = (): PersonId =>
  `person-${Array.from({ length: 16 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')}` as PersonId;
