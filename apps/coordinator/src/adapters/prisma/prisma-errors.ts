import { Prisma } from '../../generated/client.js';

/** Prisma's P2025: the row that an update needs is not there, or not as its condition says. */
export const isMissing = (error: unknown): boolean => hasCode(error, 'P2025');

/** Prisma's P2002: a row with this key is there already. */
export const isTaken = (error: unknown): boolean => hasCode(error, 'P2002');

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Prisma.PrismaClientKnownRequestError && error.code === code;
