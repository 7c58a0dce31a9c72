import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** A TypeScript module made into one JavaScript file that a plain Node can run, in a folder of its own. */
export interface Bundle {
  readonly path: string;
  readonly folder: string;
  remove(): Promise<void>;
}

export async function bundle(module: string): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-sandbox-'));
  const entry = fileURLToPath(new URL(module, import.meta.url));
  await build({
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['@consilium/source', 'node'] },
    ssr: { noExternal: true, resolve: { conditions: ['@consilium/source', 'node'] } },
    build: { ssr: entry, outDir: folder, minify: false, rollupOptions: { output: { entryFileNames: '[name].mjs' } } },
  });
  return {
    folder,
    path: join(folder, `${basename(module, '.ts')}.mjs`),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
