import { writeFile } from 'node:fs/promises';
import { isErrno } from '@consilium/machine';
import { Fault } from '@consilium/stdx';

/**
 * Writes what a command was asked for. Faults: ALREADY_EXISTS where `fresh` and there is such a file, DISK_FULL,
 * SETTINGS_INVALID where it cannot be written there.
 */
export async function writeOutput(path: string, text: string, { fresh = false } = {}): Promise<void> {
  try {
    await writeFile(path, text, { flag: fresh ? 'wx' : 'w' });
  } catch (error) {
    throw outputFault(error);
  }
}

/** Why something could not be written where the command line says. */
export function outputFault(error: unknown): Fault {
  if (Fault.is(error)) return error;
  if (isErrno(error, 'EEXIST')) return new Fault('ALREADY_EXISTS', { what: 'the output' }, error);
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) return new Fault('DISK_FULL', {}, error);
  return new Fault('SETTINGS_INVALID', { setting: 'the output', expected: 'a place that can be written' }, error);
}
