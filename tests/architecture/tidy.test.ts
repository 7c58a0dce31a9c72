import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesUnder, lineCount, projects, read, root } from './house.js';

const ours = ['apps', 'libs', 'tests', 'tools', 'protos', 'prisma', 'docs', 'deploy']
  .filter((top) => existsSync(join(root, top)))
  .flatMap(filesUnder);
const code = ours.filter((path) => /\.(ts|tsx|mjs|proto|prisma)$/.test(path));
const isTest = (path: string): boolean => /\.(test|fixture|contract)\.ts$/.test(path) || path.startsWith('tests/');

describe('the shape of the house', () => {
  it('no file has more than 400 lines', () => {
    expect(code.map((path) => ({ path, lines: lineCount(path) })).filter(({ lines }) => lines > 400)).toEqual([]);
  });

  it('there are at least as many lines of tests as of sources', () => {
    const sum = (paths: string[]): number => paths.reduce((lines, path) => lines + lineCount(path), 0);
    const inProjects = code.filter(
      (path) => /^(apps|libs|tests)\//.test(path) && path.endsWith('.ts') && !path.endsWith('vitest.config.ts'),
    );
    const tests = sum(inProjects.filter(isTest));
    const sources = sum(inProjects.filter((path) => !isTest(path)));
    expect(tests, `${tests} test lines, ${sources} source lines`).toBeGreaterThanOrEqual(sources);
  });

  it('every project has sources, tests, a README, one layer and one zone', () => {
    for (const { dir, tags } of projects()) {
      const files = filesUnder(dir);
      expect(
        files.some((path) => path.endsWith('.test.ts')),
        `${dir} has tests`,
      ).toBe(true);
      expect(files.includes(`${dir}/README.md`), `${dir} has a README`).toBe(true);
      expect(
        tags.filter((tag) => tag.startsWith('layer:')),
        dir,
      ).toHaveLength(1);
      expect(
        tags.filter((tag) => tag.startsWith('zone:')),
        dir,
      ).toHaveLength(1);
    }
  });

  it('no test is focused, skipped for good or empty of expectations', () => {
    for (const path of code.filter((file) => file.endsWith('.test.ts') && !file.endsWith('tidy.test.ts'))) {
      expect(read(path), path).not.toMatch(/\b(?:it|test|describe)\.(?:only|todo|skip)\(/);
      expect(read(path), path).toMatch(/expect|fc\.assert|Contract\(/);
    }
  });

  it('no file tells of the machine it was written on', () => {
    const telling = /(?:^|[^A-Za-z0-9_.-])\/(?:work|farm|root|home\/[a-z]+)\//m;
    expect(ours.filter((path) => telling.test(read(path)))).toEqual([]);
  });
});

describe('what is installed', () => {
  interface Lock {
    readonly packages: Readonly<
      Record<
        string,
        { version?: string; license?: string; resolved?: string; link?: boolean; dev?: boolean; devOptional?: boolean }
      >
    >;
  }
  const lock = JSON.parse(read('package-lock.json')) as Lock;
  const manifests = ['package.json', ...projects().map(({ dir }) => `${dir}/package.json`)].map((path) => ({
    path,
    manifest: JSON.parse(read(path)) as {
      dependencies?: Record<string, string>;
      devDependencies?: Record<string, string>;
      scripts?: Record<string, string>;
    },
  }));

  it('every dependency is pinned to one exact version', () => {
    for (const { path, manifest } of manifests)
      for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
        expect(version, `${path}: ${name}`).toMatch(/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/);
  });

  it('the lock file records no download address', () => {
    expect(
      Object.values(lock.packages).filter((entry) => entry.resolved && !entry.link && /^https?:/.test(entry.resolved)),
    ).toEqual([]);
  });

  it('install scripts are denied, so no script hook of ours may rely on one', () => {
    expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m);
    for (const { path, manifest } of manifests)
      expect(
        Object.keys(manifest.scripts ?? {}).filter((name) => /^(?:pre|post)/.test(name)),
        path,
      ).toEqual([]);
  });

  it('every package that runs in the product has a licence that hospitals may use', () => {
    const allowed =
      /^\(?(?:MIT|MIT-0|ISC|BSD|BSD-[23]-Clause|0BSD|Apache-2\.0|Apache 2\.0|CC0-1\.0|CC-BY-4\.0|Unlicense|Python-2\.0|BlueOak-1\.0\.0|PostgreSQL|WTFPL|MPL-2\.0|Artistic-2\.0)/;
    const unknown = Object.entries(lock.packages)
      // What only builds or tests stays at the developer's.
      .filter(
        ([path, entry]) =>
          path.startsWith('node_modules/') &&
          !entry.link &&
          !entry.dev &&
          !entry.devOptional &&
          !path.includes('/@consilium/'),
      )
      .filter(([, entry]) => entry.license !== undefined && !allowed.test(entry.license))
      .map(([path, entry]) => `${path}: ${entry.license}`);
    expect(unknown).toEqual([]);
  });
});

describe('the error catalogue', () => {
  it('has no code that nothing throws', () => {
    const catalogue = read('libs/stdx/src/catalogue.ts');
    const codes = [...catalogue.matchAll(/^ {2}([A-Z_]+): entry\(/gm)].map((match) => match[1]!);
    const sources = code
      .filter((path) => !isTest(path) && !path.endsWith('catalogue.ts') && /^(apps|libs)\//.test(path))
      .map(read)
      .join('\n');
    expect(codes.filter((name) => !sources.includes(`'${name}'`))).toEqual([]);
  });
});
