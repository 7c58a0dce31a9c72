import { resolve } from 'node:path';
import type { Plan } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import type { Metrics } from '@consilium/training';
import type { Weights } from '@consilium/weights';
import { imageSpecOf, type Trainer } from '../ports.js';
import type { Terminal } from '../terminal.js';

/** A test folder under the name that the result gives it. */
export interface NamedFolder {
  readonly name: string;
  readonly folder: string;
}

export type MeasuredJson = Readonly<Record<string, Metrics>>;

/** Reads `NAME=DIR`. */
export function readNamedFolder(text: string): NamedFolder {
  const [, name, folder] = /^([A-Za-z0-9_-]{1,63})=(.+)$/s.exec(text) ?? [];
  if (!name || !folder) throw new Fault('USAGE', { option: '--test', expected: 'NAME=DIR' });
  return { name, folder: resolve(folder) };
}

/** The model on each folder's test split. */
export async function measureAll(
  tests: readonly NamedFolder[],
  { plan, weights }: { plan: Plan; weights: Weights },
  trainer: Pick<Trainer, 'evaluate'>,
  signal: AbortSignal,
): Promise<MeasuredJson> {
  const measured: Record<string, Metrics> = {};
  for (const { name, folder } of tests) {
    const data = { folders: [folder], spec: imageSpecOf(plan) };
    measured[name] = await trainer.evaluate({ data, dataDigest: null, plan, weights }, signal);
  }
  return measured;
}

export function printMeasured(measured: MeasuredJson, terminal: Pick<Terminal, 'out'>): void {
  for (const [name, { auc, accuracy, examples }] of Object.entries(measured)) {
    terminal.out(`${name}: AUC ${shown(auc)}, accuracy ${shown(accuracy)}, ${examples} test images`);
  }
}

const shown = (metric: Metrics['auc']): string =>
  metric ? `${metric.value.toFixed(3)} [${metric.low.toFixed(3)}, ${metric.high.toFixed(3)}]` : 'undefined';
