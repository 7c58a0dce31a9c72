import { Fault, type Code } from '@consilium/stdx';

/** One thing that is wrong with a log, as an auditor's report lists it. */
export interface Finding {
  readonly code: Code;
  /** `<origin>#<index>` for an entry, `<origin>/<path>` for a file, null for the whole. */
  readonly entry: string | null;
  readonly expected: string;
  readonly found: string;
}

/** The finding as what stops a program. */
export const findingFault = ({ code, entry, expected, found }: Finding): Fault =>
  new Fault(code, { ...(entry === null ? {} : { entry }), expected, found });
