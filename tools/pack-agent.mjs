// `npm run pack:agent`: the agent alone, as a folder that a hospital's security team can read and install: its programs
// and the libraries of ours that it needs, a lock file of its own with the very versions that were tested here, and a
// bill of materials (CycloneDX). Nothing of the coordinator, its database or its pages is inside.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { prepare, root } from './prepare.mjs';

const HELP = `Usage: npm run pack:agent -- [--out FOLDER]

Writes the agent as a folder that installs and runs alone (default: dist/consilium-agent):
  npm ci && node bin/consilium-agent.mjs --help`;

/** What must never be inside; the test reads it too. */
export const BANNED = [/^@nestjs\//, /^@?prisma(\/|$)/, /^react(-dom)?$/, /^@electric-sql\//, /^pg$/, /^fastify$/];

const ENTRY = '@consilium/agent';
const read = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));
const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

if (process.argv[1]?.endsWith('pack-agent.mjs')) await main(process.argv.slice(2));

async function main(args) {
  const at = args.indexOf('--out');
  const known = args.length === 0 || (args.length === 2 && at === 0);
  if (!known) {
    console.error(args.includes('--help') ? HELP : `consilium: USAGE: not understood.\n${HELP}`);
    process.exit(args.includes('--help') ? 0 : 2);
  }
  await prepare();
  const out = resolve(at === 0 ? args[1] : join(root, 'dist', 'consilium-agent'));
  const { projects, packages } = pack(out);
  console.log(`${out}: ${projects} projects of ours, ${packages} packages of others`);
  console.log('Next: copy the folder, then run  npm ci  and  node bin/consilium-agent.mjs --help  in it');
}

/** Writes the bundle and answers how many projects of ours and packages of others it holds. */
export function pack(out) {
  const lock = read('package-lock.json');
  const dirs = closure(lock.packages);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, 'bin'), { recursive: true });
  for (const dir of dirs) copyProject(dir, join(out, dir));
  cpSync(join(root, 'protos'), join(out, 'protos'), { recursive: true });
  for (const file of ['LICENSE', '.npmrc']) cpSync(join(root, file), join(out, file));
  cpSync(join(root, 'apps', 'agent', 'README.md'), join(out, 'README.md'));
  writeFileSync(join(out, 'bin', 'consilium-agent.mjs'), "#!/usr/bin/env node\nimport '../apps/agent/dist/main.js';\n");

  const { version, license, engines } = read('package.json');
  const manifest = {
    name: 'consilium-agent',
    version,
    private: true,
    license,
    type: 'module',
    engines,
    workspaces: dirs,
    bin: { 'consilium-agent': './bin/consilium-agent.mjs' },
  };
  writeFileSync(join(out, 'package.json'), json(manifest));
  const packages = lockOf(lock, manifest, dirs);
  writeFileSync(join(out, 'package-lock.json'), json(packages));
  refuseBanned(packages.packages);
  writeBillOfMaterials(out);
  const others = Object.entries(packages.packages).filter(
    ([path, { link }]) => path.startsWith('node_modules/') && !link,
  );
  return { projects: dirs.length, packages: others.length };
}

/** The folders of the agent and of every library of ours that it reaches. */
function closure(packages) {
  const dirs = new Set();
  const visit = (name) => {
    const dir = packages[`node_modules/${name}`]?.resolved;
    if (!name.startsWith('@consilium/') || dirs.has(dir)) return;
    dirs.add(dir);
    for (const next of Object.keys(packages[dir].dependencies ?? {})) visit(next);
  };
  visit(ENTRY);
  return [...dirs].sort();
}

/** What runs: the build without its maps and types, and a manifest without the way to sources that are not there. */
function copyProject(dir, to) {
  cpSync(join(root, dir, 'dist'), join(to, 'dist'), {
    recursive: true,
    filter: (path) => !/\.(map|d\.ts|tsbuildinfo)$/.test(path),
  });
  const python = join(root, dir, 'python');
  if (existsSync(python)) cpSync(python, join(to, 'python'), { recursive: true });
  const manifest = read(dir, 'package.json');
  for (const entries of [manifest.exports, manifest.imports ?? {}]) forgetSources(entries);
  writeFileSync(join(to, 'package.json'), json(manifest));
}

function forgetSources(conditions) {
  if (typeof conditions !== 'object') return;
  for (const key of ['@consilium/source', 'types']) delete conditions[key];
  Object.values(conditions).forEach(forgetSources);
}

/** The root's lock file, less everything that the agent does not reach: the versions stay exactly those tested here. */
function lockOf(lock, manifest, dirs) {
  const { packages } = lock;
  const kept = new Map();
  const place = (from, name) => {
    for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
      const path = base ? `${base}/node_modules/${name}` : `node_modules/${name}`;
      if (packages[path]) return path;
      if (!base) return undefined;
    }
  };
  const visit = (path) => {
    if (kept.has(path)) return;
    const entry = packages[path];
    kept.set(path, entry);
    if (entry.link) return visit(entry.resolved);
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = entry;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const found = place(path, name);
      if (found) visit(found);
      else if (dependencies[name] && !optionalDependencies[name]) throw new Error(`${name} is not in the lock file`);
      else if (peerDependencies[name] && !peerDependenciesMeta[name]?.optional)
        throw new Error(`${name} is not in the lock file`);
    }
  };
  for (const dir of dirs) visit(`node_modules/${packages[dir].name}`);
  const { name, version } = manifest;
  const sorted = [...kept].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, entry]) => [path, production(entry)]);
  return {
    name,
    version,
    lockfileVersion: lock.lockfileVersion,
    requires: true,
    packages: { '': manifest, ...Object.fromEntries(sorted) },
  };
}

/** What is for development there may be needed here. */
const production = ({ dev: _dev, devOptional: _devOptional, ...entry }) => entry;

export function refuseBanned(packages) {
  const names = Object.keys(packages).map((path) =>
    path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
  );
  const found = names.filter((name) => BANNED.some((pattern) => pattern.test(name)));
  if (found.length) throw new Error(`the agent must not need ${found.join(', ')}`);
}

function writeBillOfMaterials(out) {
  const program = join(root, 'node_modules', '@cyclonedx', 'cyclonedx-npm', 'bin', 'cyclonedx-npm-cli.js');
  const args = ['--package-lock-only', '--omit', 'dev', '--output-reproducible', '--output-format', 'JSON'];
  const ran = spawnSync(process.execPath, [program, ...args, '--output-file', 'sbom.cdx.json'], {
    cwd: out,
    encoding: 'utf8',
  });
  if (ran.status !== 0 || !existsSync(join(out, 'sbom.cdx.json')))
    throw new Error(`no bill of materials: ${ran.stderr}`);
}
