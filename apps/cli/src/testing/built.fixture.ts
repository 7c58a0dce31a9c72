import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The folder of this package. */
export const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** Builds the program where it is not up to date, for tests that start it as it is installed. */
export const build = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const tsc = fileURLToPath(new URL('../../../../node_modules/typescript/bin/tsc', import.meta.url));
    execFile(process.execPath, [tsc, '-b', PACKAGE], (error, out) => (error ? reject(new Error(out)) : resolve()));
  });
