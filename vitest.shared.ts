import { defineConfig, type ViteUserConfig } from 'vitest/config';

/**
 * One project's test settings. Sources are read directly through the `@consilium/source` condition, so no build is
 * needed; Vite's default `module` condition stays out, since some packages put a bundler-only build there.
 * Files of one worker share their modules unless the project asks for `isolate`, as it must where a test looks at what is
 * loaded or replaces it: loading is half of the suite's time otherwise.
 */
export const shared = (
  name: string,
  include: string[] = ['src/**/*.test.ts'],
  { isolate = false }: { readonly isolate?: boolean } = {},
): ViteUserConfig =>
  defineConfig({
    resolve: { conditions: ['@consilium/source', 'node'] },
    ssr: { resolve: { conditions: ['@consilium/source', 'node'], externalConditions: ['node'] } },
    test: {
      name,
      environment: 'node',
      include,
      pool: 'forks',
      isolate,
      testTimeout: 30_000,
      hookTimeout: 60_000,
      passWithNoTests: false,
    },
  });
