import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Fault } from '@consilium/stdx';

/** The programs that this one starts; it never imports them, as git does not its sub-commands. */
export type ProgramName = 'agent' | 'auditor' | 'coordinator';

/** Finds a program's entry. Faults: NOT_BUILT. */
export type Locate = (program: ProgramName) => string;

/** The built entry of a program in this repository, found from this file's own place (`src` and `dist` lie equally deep). */
export function locate(program: ProgramName): string {
  const entry = fileURLToPath(new URL(`../../../${program}/dist/main.js`, import.meta.url));
  if (!existsSync(entry)) throw new Fault('NOT_BUILT', { program });
  return entry;
}
