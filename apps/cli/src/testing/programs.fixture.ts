import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Children, type ChildSpec } from '../up/children.js';

/** Tiny programs in a folder of their own, started as the real ones are. */
export interface Programs {
  readonly folder: string;
  readonly children: Children;
  spec(name: string, source: string, speaks?: ChildSpec['speaks'], args?: readonly string[]): Promise<ChildSpec>;
  /** Ends whatever still runs. */
  clear(): Promise<void>;
}

export async function programs(): Promise<Programs> {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-programs-'));
  const children = new Children();
  return {
    folder,
    children,
    async spec(name, source, speaks = 'ipc', args = []) {
      const entry = join(folder, `${name}.mjs`);
      await writeFile(entry, source);
      return {
        name,
        entry,
        args,
        env: { PATH: process.env['PATH'] },
        log: join(folder, 'logs', `${name}.log`),
        speaks,
      };
    },
    async clear() {
      children.killAll();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}

/** Says that it is ready and stays; ends itself when its parent is gone. */
export const SERVES = `
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
process.send({ ready: true, http: 1 });
setInterval(() => {}, 1000);
`;

/** Does not hear SIGTERM. */
export const STUBBORN = `
process.on('SIGTERM', () => {});
process.send({ ready: true });
setInterval(() => {}, 1000);
`;

/** Ends as our programs do when something is wrong. */
export const failing = (code: string): string => `
console.error('warming up');
console.error('consilium: ${code}: a sentence (port: 1)');
process.exit(1);
`;
