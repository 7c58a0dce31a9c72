import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Frameworks and engines, which pure code must not know. */
const frameworks = ['@nestjs/*', '@prisma/*', '@grpc/*', '@tensorflow/*', 'rxjs', 'rxjs/*', 'pg', '@electric-sql/*'];
/** What reads or learns from patients' images: it stands only where the patients are. */
const patientData = ['dicom-parser', 'dcmjs', '@tensorflow/*'];
const database = ['@prisma/*', 'pg', '@electric-sql/*'];

/** Which code may know which: `layer` says what kind it is, `zone` where it may run (ARCHITECTURE.md). */
const depConstraints = [
  { sourceTag: 'layer:pure', onlyDependOnLibsWithTags: ['layer:pure'], bannedExternalImports: frameworks },
  { sourceTag: 'layer:adapter', onlyDependOnLibsWithTags: ['layer:pure'] },
  { sourceTag: 'layer:app', onlyDependOnLibsWithTags: ['layer:pure', 'layer:adapter'] },
  { sourceTag: 'zone:shared', onlyDependOnLibsWithTags: ['zone:shared'], bannedExternalImports: patientData },
  {
    sourceTag: 'zone:peer',
    onlyDependOnLibsWithTags: ['zone:shared'],
    bannedExternalImports: [...patientData, ...database],
  },
  {
    sourceTag: 'zone:site',
    onlyDependOnLibsWithTags: ['zone:shared', 'zone:peer', 'zone:site'],
    bannedExternalImports: database,
  },
  {
    sourceTag: 'zone:hub',
    onlyDependOnLibsWithTags: ['zone:shared', 'zone:peer', 'zone:hub'],
    bannedExternalImports: patientData,
  },
  {
    sourceTag: 'zone:public',
    onlyDependOnLibsWithTags: ['zone:shared'],
    bannedExternalImports: [...patientData, ...database, '@grpc/*', '@nestjs/*'],
  },
];

const pureSources = ['libs/{stdx,weights,model,round,aggregation,identity,ledger}/src/**/*.ts'];

export default [
  { ignores: ['**/dist', '**/generated', '**/.nx', '**/node_modules', '.consilium'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.mjs'],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        { allow: ['../../vitest.shared.js', '#curve'], enforceBuildableLibDependency: false, depConstraints },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
      'max-lines': ['error', 400],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    // Nest reads the types of constructor parameters at run time, so its files keep plain imports.
    files: ['apps/coordinator/src/**/*.ts'],
    rules: { '@typescript-eslint/consistent-type-imports': 'off' },
  },
  {
    // Pure code has no clock, no network, no files and no process: they come in as arguments. A `.node.ts` is what Node
    // takes in place of its twin (the package's `imports`), and computes the same with the platform's own means.
    files: pureSources,
    ignores: ['**/*.test.ts', '**/*.fixture.ts', '**/*.node.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: ['node:*', 'fs', 'fs/*', 'net', 'http', 'https', 'child_process', 'crypto'] },
      ],
      'no-restricted-globals': ['error', 'process', 'fetch', 'setTimeout', 'setInterval', 'Buffer'],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Randomness comes in as an argument.' },
        { object: 'Date', property: 'now', message: 'Time comes in through the Clock port.' },
      ],
    },
  },
  {
    // Tests start whole programs and read any project.
    files: ['tests/**/*.ts', 'tests/**/*.mjs', 'tools/**/*.mjs', '**/*.test.ts'],
    rules: { '@nx/enforce-module-boundaries': 'off' },
  },
];
