import { defineConfig, type ViteUserConfig } from 'vitest/config';

/**
 * One project's test settings. Sources are read directly through the `@consilium/source` condition, so no build is
 * needed; Vite's default `module` condition stays out, since some packages put a bundler-only build there.
 */
export const shared = (name: string, include: string[] = ['src/**/*.test.ts']): ViteUserConfig =>
  defineConfig({
    resolve: { conditions: ['@consilium/source', 'node'] },
    ssr: { resolve: { conditions: ['@consilium/source', 'node'], externalConditions: ['node'] } },
    test: {
      name,
      environment: 'node',
      include,
      pool: 'forks',
      testTimeout: 30_000,
      hookTimeout: 60_000,
      passWithNoTests: false,
    },
  });
