import { ESLint } from 'eslint';
import { beforeAll, describe, expect, it } from 'vitest';
import { findCycle, projectGraph, root } from './house.js';

const eslint = new ESLint({ cwd: root });
const messages = async (filePath: string, code: string): Promise<string[]> => {
  const results = await eslint.lintText(code, { filePath: `${root}/${filePath}` });
  return results[0]!.messages
    .filter((message) => message.ruleId !== '@typescript-eslint/no-unused-vars')
    .map((message) => message.message);
};

let graph: Map<string, string[]>;
// The boundary rule skips itself, with a warning and exit code 0, when no project graph is cached: make one first.
beforeAll(() => {
  graph = projectGraph();
});

describe('patient data stays on the premises', () => {
  it.each([
    ['the coordinator', 'apps/coordinator', '@consilium/dataset'],
    ['the coordinator', 'apps/coordinator', '@consilium/training'],
    ['the coordinator', 'apps/coordinator', '@consilium/phantom'],
    ['the coordinator', 'apps/coordinator', 'dicom-parser'],
    ['the coordinator', 'apps/coordinator', '@tensorflow/tfjs-core'],
    ['the wire', 'libs/wire', '@consilium/dataset'],
    ['the wire', 'libs/wire', '@tensorflow/tfjs-layers'],
    ['the command line', 'apps/cli', '@consilium/dataset'],
    ['the command line', 'apps/cli', '@consilium/training'],
    ['the command line', 'apps/cli', '@consilium/wire'],
    ['aggregation', 'libs/aggregation', '@consilium/dataset'],
  ])('%s (%s) may not import %s', async (_who, project, target) => {
    expect(await messages(`${project}/src/planted.ts`, `import '${target}';\n`)).not.toEqual([]);
  });

  it('the agent may read images and train', async () => {
    const code = `import '@consilium/dataset';\nimport '@consilium/training';\n`;
    expect(await messages('apps/agent/src/planted.ts', code)).toEqual([]);
  });
});

describe('pure code stays pure', () => {
  it.each([
    ['round', '@nestjs/common'],
    ['round', '@consilium/wire'],
    ['round', '@consilium/machine'],
    ['weights', '@prisma/client'],
    ['model', '@tensorflow/tfjs-core'],
    ['identity', '@grpc/grpc-js'],
    ['aggregation', 'rxjs'],
    ['stdx', '@consilium/weights'],
    ['stdx', '@consilium/round'],
    ['weights', 'node:fs'],
    ['round', 'node:crypto'],
  ])('%s may not import %s', async (lib, target) => {
    expect(await messages(`libs/${lib}/src/planted.ts`, `import '${target}';\n`)).not.toEqual([]);
  });

  it.each([
    ['the process', `export const x = process.env;\n`],
    ['the network', `export const x = fetch('http://localhost');\n`],
    ['timers', `setTimeout(() => {}, 1);\n`],
    ['the wall clock', `export const x = Date.now();\n`],
    ['hidden randomness', `export const x = Math.random();\n`],
  ])('round may not use %s', async (_what, code) => {
    expect(await messages('libs/round/src/planted.ts', code)).not.toEqual([]);
  });
});

describe('each program keeps to its own', () => {
  it.each([
    ['the agent', 'apps/agent', '@prisma/client'],
    ['the agent', 'apps/agent', '@consilium/coordinator'],
    ['training', 'libs/training', '@consilium/dataset'],
    ['training', 'libs/training', '@consilium/wire'],
    ['dataset', 'libs/dataset', '@consilium/wire'],
    ['the wire', 'libs/wire', '@prisma/client'],
    ['the command line', 'apps/cli', '@prisma/client'],
    ['the command line', 'apps/cli', '@nestjs/core'],
  ])('%s (%s) may not import %s', async (_who, project, target) => {
    expect(await messages(`${project}/src/planted.ts`, `import '${target}';\n`)).not.toEqual([]);
  });

  it('a lawful import passes, so a refusal means something', async () => {
    expect(await messages('libs/aggregation/src/planted.ts', `import '@consilium/weights';\n`)).toEqual([]);
  });
});

describe('the project graph', () => {
  it('has no cycle', () => {
    expect(graph.size).toBeGreaterThan(10);
    expect(findCycle(graph)).toBeUndefined();
  });

  it('would show a cycle if there were one', () => {
    const planted = new Map([...graph, ['@consilium/stdx', ['@consilium/round']]]);
    expect(findCycle(planted)).toBeDefined();
  });
});
