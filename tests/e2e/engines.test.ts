import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../harness/program.js';

const agent = (...args: string[]) => {
  const env = { ...process.env, CONSILIUM_PYTHON: undefined };
  const main = join(root, 'apps/agent/dist/main.js');
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env });
};

it('agent engines tells what can train here, how fast, how right, and what to install for more', () => {
  const { status, stdout } = agent('engines', '--json');
  const { engines, auto } = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
    engines: { name: string; code?: string; install?: string; imagesPerSecond?: number; selfTestMaxError?: number }[];
    auto: string;
  };
  expect([status, auto]).toEqual([0, 'onnx']);
  expect(engines.map(({ name }) => name)).toEqual(['onnx', 'torch', 'wasm', 'cpu']);
  for (const { name, imagesPerSecond, selfTestMaxError } of engines.filter((engine) => engine.name !== 'torch')) {
    expect(imagesPerSecond, name).toBeGreaterThan(0);
    expect(selfTestMaxError, name).toBeLessThan(5e-3);
  }
  expect(engines[1]).toMatchObject({ code: 'ENGINE_UNAVAILABLE', install: expect.stringContaining('PyTorch') });
});

it('agent engines refuses to start one outside a sandbox where that cannot be had, and says so', () => {
  const { status, stdout } = spawnSync(process.execPath, [join(root, 'apps/agent/dist/main.js'), 'engines', '--json'], {
    encoding: 'utf8',
    env: { PATH: '/nowhere' },
  });
  const { engines, auto } = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
    engines: { code: string }[];
    auto: null;
  };
  expect([status, auto]).toEqual([1, null]);
  expect(new Set(engines.map(({ code }) => code))).toEqual(new Set(['SANDBOX_UNAVAILABLE']));
});
