import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// @ts-expect-error -- a plain script of ours, which carries no types.
import { BANNED, pack, refuseBanned } from '../../tools/pack-agent.mjs';

const out = mkdtempSync(join(tmpdir(), 'consilium-agent-pack-'));
const read = (...path: string[]) => JSON.parse(readFileSync(join(out, ...path), 'utf8'));

describe('the agent alone, as a hospital gets it', () => {
  beforeAll(() => pack(out));
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  it('locks exactly the versions that were tested here', () => {
    const ours = JSON.parse(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8')).packages;
    for (const [path, entry] of Object.entries<{ version?: string; integrity?: string }>(
      read('package-lock.json').packages,
    )) {
      if (path.startsWith('node_modules/'))
        expect([path, entry.version, entry.integrity]).toEqual([path, ours[path].version, ours[path].integrity]);
    }
  });

  it('has no server framework, no database and no page inside, in its lock file or its bill of materials', () => {
    const { components } = read('sbom.cdx.json') as { components: { group?: string; name: string }[] };
    const names = components.map(({ group, name }) => (group ? `${group}/${name}` : name));
    const locked = Object.keys(read('package-lock.json').packages).map((path) => path.split('node_modules/').at(-1)!);
    expect(names.length).toBeGreaterThan(50);
    expect([...names, ...locked].filter((name) => BANNED.some((pattern: RegExp) => pattern.test(name)))).toEqual([]);
  });

  it('lists in its bill of materials every package that its lock file installs', () => {
    const { bomFormat, components } = read('sbom.cdx.json') as {
      bomFormat: string;
      components: { group?: string; name: string; version: string; purl: string }[];
    };
    expect(bomFormat).toBe('CycloneDX');
    const listed = new Set(components.map(({ group, name }) => (group ? `${group}/${name}` : name)));
    for (const [path, { link }] of Object.entries<{ link?: boolean }>(read('package-lock.json').packages)) {
      if (path.startsWith('node_modules/') && !link) expect(listed).toContain(path.split('node_modules/').at(-1));
    }
  });

  it('refuses to be packed with one of them (the control)', () => {
    expect(() => refuseBanned({ 'node_modules/a/node_modules/@nestjs/core': {} })).toThrow('@nestjs/core');
  });

  it('carries no source, no test and no map', () => {
    const files = readdirSync(out, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /\.(ts|map|tsbuildinfo)$|\.(test|fixture)\./.test(file))).toEqual([]);
  });

  it('installs from its own lock file and runs without the rest of the house', () => {
    const npm = process.env['npm_execpath'];
    const [command, ...args] = npm?.endsWith('.js') ? [process.execPath, npm, 'ci'] : ['npm', 'ci'];
    execFileSync(command, [...args, '--prefer-offline'], { cwd: out, stdio: 'pipe' });
    const agent = (...words: string[]) =>
      execFileSync(process.execPath, ['bin/consilium-agent.mjs', ...words], { cwd: out, encoding: 'utf8' });
    expect(agent('--help')).toContain('consilium agent');
    agent(
      'data',
      'phantom',
      '--study',
      'lung-nodule',
      '--hospital',
      'a',
      '--site',
      'north',
      '--seed',
      '1',
      '--out',
      'images',
    );
    expect(existsSync(join(out, 'images', 'labels.csv'))).toBe(true);
  });
});
