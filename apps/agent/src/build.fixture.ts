import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The agent's folder. */
export const AGENT = fileURLToPath(new URL('..', import.meta.url));
/** What a real process runs: built files, since Node reads no TypeScript. */
export const BUILT_MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
export const BUILT_CHILD = fileURLToPath(new URL('../dist/trainer/child.js', import.meta.url));

/** Before the tests: the build must be that of the sources, or the processes would test yesterday's program. */
export default function build(): void {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-b', AGENT], { stdio: 'inherit' });
}
