import { Fault } from '@consilium/stdx';

/** Whether an error is one of the system's with one of these names (errno). */
export const isErrno = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(error.code as string);

/**
 * What a failed write means. A full disk or quota has changed nothing and heals. After anything else, above all a
 * failed flush, the system may have dropped what it had not written and call the next flush a success: it does not heal.
 */
export const writeFault = (error: unknown): Fault =>
  Fault.is(error)
    ? error
    : isErrno(error, 'ENOSPC', 'EDQUOT')
      ? new Fault('DISK_FULL', {}, error)
      : new Fault('LEDGER_UNWRITABLE', {}, error);
