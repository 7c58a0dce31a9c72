import { defineConfig } from 'vitest/config';

/** Tests that look at the whole house or start whole programs; each file has the machine to itself. */
export default defineConfig({
  test: {
    name: 'tests',
    environment: 'node',
    root: import.meta.dirname ?? undefined,
    include: ['{architecture,e2e,fault,leak,contract}/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    passWithNoTests: false,
  },
});
