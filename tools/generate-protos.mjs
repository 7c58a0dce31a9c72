#!/usr/bin/env node
// Writes the TypeScript types of protos/consilium/v1 to libs/wire/src/generated, unless they are newer than the protos.
// The flags must stay those of `libs/wire/src/services.ts`, which loads the same files at run time.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const protos = join(root, 'protos');
const generated = join(root, 'libs/wire/src/generated');

/** Generates what is missing or older than its source; answers whether anything was written. */
export function generateProtos() {
  const sources = filesBelow(protos, '.proto');
  if (isFresh([...sources, fileURLToPath(import.meta.url)], filesBelow(generated, '.ts'))) return false;

  // Into a folder beside it and then renamed, so that an interrupted run leaves nothing half-written.
  const fresh = `${generated}.${process.pid}`;
  const generator = createRequire(import.meta.url).resolve('@grpc/proto-loader/build/bin/proto-loader-gen-types.js');
  const flags = [
    '--grpcLib=@grpc/grpc-js',
    '--longs=Number',
    '--enums=String',
    '--defaults',
    '--oneofs',
    '--includeComments',
    '--importFileExtension=.js',
    // What is received has the message's own name; what is sent, where each field may be left out, is its `Init`.
    '--inputTemplate=%sInit',
    '--outputTemplate=%s',
    `--outDir=${fresh}`,
    // Last, since this option takes every word that follows.
    '--includeDirs',
    protos,
  ];
  const names = sources.map((file) => file.slice(protos.length + 1));
  const { status, stdout, stderr } = spawnSync(process.execPath, [generator, ...names, ...flags], { encoding: 'utf8' });
  if (status !== 0 || filesBelow(fresh, '.ts').length === 0) {
    rmSync(fresh, { recursive: true, force: true });
    throw new Error(`proto-loader-gen-types failed:\n${stdout}${stderr}`);
  }
  rmSync(generated, { recursive: true, force: true });
  renameSync(fresh, generated);
  return true;
}

function filesBelow(folder, ending) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
}

function isFresh(sources, outputs) {
  if (outputs.length === 0) return false;
  const times = (files) => files.map((file) => statSync(file).mtimeMs);
  return Math.max(...times(sources)) <= Math.min(...times(outputs));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(generateProtos() ? 'protos: types written' : 'protos: types are up to date');
}
