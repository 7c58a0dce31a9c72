import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, it } from 'vitest';
import { projectGraph, root } from './house.js';

const run = promisify(execFile);
const bin = (path: string): string => join(root, 'node_modules', path);

// At once, since each of the two uses one core.
describe.concurrent('the whole tree', () => {
  it('passes the linter without a warning', async ({ expect }) => {
    projectGraph(); // the boundary rule needs a cached graph
    const lint = run(
      process.execPath,
      [bin('eslint/bin/eslint.js'), '--max-warnings', '0', 'apps', 'libs', 'tests', 'tools'],
      { cwd: root },
    );
    await expect(lint).resolves.toMatchObject({ stdout: '' });
  });

  it('is formatted', async ({ expect }) => {
    const check = run(process.execPath, [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'], {
      cwd: root,
    });
    await expect(check).resolves.toMatchObject({ stdout: '' });
  });
});
