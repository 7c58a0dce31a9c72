import { defineConfig } from 'vitest/config';

/** `npm run test:nightly`: the promises that take minutes to prove. */
export default defineConfig({
  test: {
    name: 'nightly',
    environment: 'node',
    root: import.meta.dirname ?? undefined,
    include: ['nightly/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 1_800_000,
    hookTimeout: 300_000,
    passWithNoTests: false,
  },
});
