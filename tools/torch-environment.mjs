// `node tools/torch-environment.mjs --out FOLDER`: a Python environment with the PyTorch that the engine `torch` is tested
// with, in a folder of its own. It needs a Python of 3.10 or later with venv, and nothing of this repository.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** The program needs PyTorch alone; every later release of the same major version should do, too. */
const PACKAGES = ['torch==2.15.0'];

const HELP = `Usage: node tools/torch-environment.mjs --out FOLDER [--python PROGRAM] [--wheels FOLDER] [--index URL]

Makes a Python environment for the engine torch.
  --out FOLDER      where it is put; nothing may be there
  --python PROGRAM  a Python of 3.10 or later (default: python3)
  --wheels FOLDER   install from wheel files alone, without a network
  --index URL       a package index other than pip's own, such as the hospital's mirror`;

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    python: { type: 'string', default: 'python3' },
    wheels: { type: 'string' },
    index: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || !values.out) fail(HELP, values.help ? 0 : 2);
const out = resolve(values.out);
if (existsSync(out)) fail(`consilium: ALREADY_EXISTS: ${values.out} is there already; choose another folder.`, 1);

run(values.python, ['-m', 'venv', out]);
const python = join(out, 'bin', 'python');
const source = [
  ...(values.wheels ? ['--no-index', '--find-links', resolve(values.wheels)] : []),
  ...(values.index ? ['--index-url', values.index] : []),
];
run(python, ['-m', 'pip', 'install', '--quiet', ...source, ...PACKAGES]);
run(python, [
  '-I',
  '-c',
  'import torch; print("torch", torch.__version__, "cuda" if torch.cuda.is_available() else "cpu")',
]);
console.log(`CONSILIUM_PYTHON=${python}`);

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) fail(`consilium: this step failed: ${command} ${args.join(' ')}`, 1);
}

function fail(text, code) {
  console.error(text);
  process.exit(code);
}
