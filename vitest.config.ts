import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { projects: ['{apps,libs}/*/vitest.config.ts', 'tests/vitest.config.ts'], maxWorkers: 2 },
});
