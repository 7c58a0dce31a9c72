import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A Python that can import torch, from CONSILIUM_PYTHON; undefined where there is none, and tests of it are skipped. */
export const PYTHON = found(process.env['CONSILIUM_PYTHON']);

/** What a skipped group of tests says about itself. */
export const NEEDED = PYTHON ? '' : ' (skipped: CONSILIUM_PYTHON names no Python with PyTorch)';

/** The program with a fault in it; see the file. */
export const PLANTED = fileURLToPath(new URL('./planted.fixture.py', import.meta.url));

function found(python: string | undefined): string | undefined {
  if (!python) return undefined;
  return spawnSync(python, ['-I', '-c', 'import torch']).status === 0 ? python : undefined;
}
