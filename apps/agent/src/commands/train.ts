import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Plan } from '@consilium/round';
import { encodeSafetensors } from '@consilium/weights';
import { modelDigestOf, trainBaseline } from '../baseline.js';
import { imageSpecOf, type Progress } from '../ports.js';
import type { TrainerOptions } from '../trainer/trainer.js';
import type { Terminal } from '../terminal.js';
import { measureAll, printMeasured, readNamedFolder } from './measure.js';
import { readPlanFile } from './plan-file.js';
import { withTrainer } from './with-trainer.js';

export interface TrainOptions extends TrainerOptions {
  readonly plan: string;
  readonly data: readonly string[];
  readonly test: readonly string[];
  /** The site whose local model this is; without it the model is the pooled one. */
  readonly name?: string;
  readonly seed?: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** `agent train`: what a federation of one would learn from these folders. Nothing leaves this machine. */
export async function train(options: TrainOptions, terminal: Terminal): Promise<void> {
  const plan = await readPlanFile(options.plan, options.seed);
  const tests = options.test.map(readNamedFolder);
  const data = { folders: options.data.map((folder) => resolve(folder)), spec: imageSpecOf(plan) };
  await withTrainer(options, terminal, async (trainer) => {
    const { train: split } = await trainer.load(data, ['train']);
    const tell = progressPrinter(plan, options.json === true, terminal);
    const label = options.name ?? 'pooled';
    const model = await trainBaseline({ plan, data, label }, trainer, terminal.interrupted, tell);
    if (options.out) await writeFile(options.out, encodeSafetensors(model));
    const measured = await measureAll(tests, { plan, weights: model }, trainer, terminal.interrupted);
    const modelDigest = modelDigestOf(model);
    if (options.json) {
      const name = options.name === undefined ? {} : { name: options.name };
      return terminal.out(JSON.stringify({ ...name, tests: measured, examples: split.examples, modelDigest }));
    }
    terminal.out(`model ${modelDigest}, trained on ${split.examples} images`);
    printMeasured(measured, terminal);
  });
}

/** With `--json` objects at most four times a second and at each round's end; else a line a round. */
function progressPrinter({ rounds }: Plan, json: boolean, terminal: Terminal) {
  let nextMs = 0;
  return (round: number, { step, steps, loss }: Progress): void => {
    const roundEnds = step === steps;
    if (!roundEnds && (!json || performance.now() < nextMs)) return;
    nextMs = performance.now() + 250;
    if (json) return terminal.out(JSON.stringify({ progress: { round, rounds: rounds.count, step, steps, loss } }));
    terminal.out(`round ${round} of ${rounds.count}: loss ${loss.toFixed(4)}`);
  };
}
