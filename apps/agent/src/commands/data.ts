import { resolve } from 'node:path';
import { partitionNpz } from '@consilium/dataset';
import { HOSPITALS, writePhantom, type HospitalName } from '@consilium/phantom';
import { Fault, siteName } from '@consilium/stdx';
import { imageSpecOf } from '../ports.js';
import type { TrainerOptions } from '../trainer/trainer.js';
import type { Terminal } from '../terminal.js';
import { readPlanFile } from './plan-file.js';
import { withTrainer } from './with-trainer.js';

/** `agent data phantom`: synthetic patients of one hospital, as DICOM. */
export async function phantom(
  options: { study: string; hospital: string; site: string; seed: number; out: string; json?: boolean },
  terminal: Terminal,
): Promise<void> {
  if (options.study !== 'lung-nodule') throw new Fault('USAGE', { option: '--study', expected: 'lung-nodule' });
  if (!Object.hasOwn(HOSPITALS, options.hospital)) {
    throw new Fault('USAGE', { option: '--hospital', expected: Object.keys(HOSPITALS).join(' or ') });
  }
  const hospital = options.hospital as HospitalName;
  const { examples } = await writePhantom({
    out: resolve(options.out),
    seed: options.seed,
    hospital,
    siteName: siteName(options.site),
  });
  terminal.out(options.json ? JSON.stringify({ examples }) : `${examples} images written`);
}

/** `agent data partition`: a MedMNIST file's training split over sites, with the whole official test split at each. */
export async function partition(
  options: { npz: string; sites: string; seed: number; out: string; json?: boolean },
  terminal: Terminal,
): Promise<void> {
  const sites = options.sites.split(',').map((name) => siteName(name.trim()));
  const result = await partitionNpz({
    npz: resolve(options.npz),
    sites,
    seed: options.seed,
    out: resolve(options.out),
  });
  terminal.out(options.json ? JSON.stringify(result) : `the training split was divided among ${sites.length} sites`);
}

/** `agent data inspect`: what a plan would find in a folder. The counts are told, never a patient. */
export async function inspect(
  options: TrainerOptions & { plan: string; data: string; json?: boolean },
  terminal: Terminal,
): Promise<void> {
  const plan = await readPlanFile(options.plan);
  await withTrainer(options, terminal, async (trainer) => {
    const manifest = await trainer.load({ folders: [resolve(options.data)], spec: imageSpecOf(plan) }, []);
    if (options.json) return terminal.out(JSON.stringify(manifest));
    const [, positive] = plan.task.classes;
    for (const split of ['train', 'test'] as const) {
      const { examples, patients, positives } = manifest[split];
      terminal.out(`${split}: ${examples} images of ${patients} patients, ${positives} ${positive}`);
    }
    terminal.out(`digest ${manifest.digest}`);
  });
}
