import { readFile } from 'node:fs/promises';
import { manifestOf } from '@consilium/model';
import type { Plan } from '@consilium/round';
import { Fault } from '@consilium/stdx';
import { decodeSafetensors, sameManifest, type Weights } from '@consilium/weights';
import { modelDigestOf } from '../baseline.js';
import type { TrainerOptions } from '../trainer/trainer.js';
import type { Terminal } from '../terminal.js';
import { measureAll, printMeasured, readNamedFolder } from './measure.js';
import { readPlanFile } from './plan-file.js';
import { withTrainer } from './with-trainer.js';

export interface EvaluateOptions extends TrainerOptions {
  readonly model: string;
  readonly plan: string;
  readonly test: readonly string[];
  readonly json?: boolean;
}

/** `agent evaluate`: a model file on test folders. Nothing leaves this machine. */
export async function evaluate(options: EvaluateOptions, terminal: Terminal): Promise<void> {
  const plan = await readPlanFile(options.plan);
  const tests = options.test.map(readNamedFolder);
  const weights = await readModel(options.model, plan);
  await withTrainer(options, terminal, async (trainer) => {
    const measured = await measureAll(tests, { plan, weights }, trainer, terminal.interrupted);
    if (options.json) return terminal.out(JSON.stringify({ tests: measured, modelDigest: modelDigestOf(weights) }));
    printMeasured(measured, terminal);
  });
}

async function readModel(path: string, plan: Plan): Promise<Weights> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new Fault('NOT_FOUND', { what: 'model file' }, error);
  });
  const weights = decodeSafetensors(bytes);
  const manifest = manifestOf(plan.model);
  if (!sameManifest(weights.manifest, manifest)) {
    throw new Fault('WEIGHTS_MISMATCH', {
      expectedTensors: manifest.tensors.length,
      cameTensors: weights.manifest.tensors.length,
    });
  }
  return weights;
}
