import { writeFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, type SiteName } from '@consilium/stdx';
import { drawCohort } from './cohort.js';
import { HOSPITALS, type HospitalName } from './hospitals.js';
import { encodeInstance, patientId } from './instance.js';
import { rendererOf, store } from './render.js';

/** Class names in labels.csv: [negative, positive], the classes of the lung-nodule plan. */
export const CLASSES = ['no-nodule', 'nodule'] as const;

export interface PhantomOrder {
  /** The folder to fill; made when missing. Files of an earlier order of the same hospital are overwritten. */
  readonly out: string;
  readonly seed: number;
  /** Whose scanner and patients' mix to imitate. */
  readonly hospital: HospitalName;
  /** Stands in the files as the institution; sites of the same hospital kind have different patients. */
  readonly siteName: SiteName;
}

/**
 * Writes one hospital's data folder: `images/0001.dcm` … and last `labels.csv`, so that a folder with labels is a
 * finished one even after a kill. The same order gives the same bytes. Throws DISK_FULL, or DATA_UNREADABLE when the
 * folder cannot be written.
 */
export async function writePhantom({
  out,
  seed,
  hospital: name,
  siteName,
}: PhantomOrder): Promise<{ examples: number }> {
  const hospital = HOSPITALS[name];
  const origin = [seed, name, siteName] as const;
  const render = rendererOf(hospital, ...origin);
  const lines = ['file,patient,label,split'];
  const labels = join(out, 'labels.csv');
  try {
    await mkdir(join(out, 'images'), { recursive: true });
    await rm(labels, { force: true });
    for (const [index, candidate] of drawCohort(hospital, ...origin).entries()) {
      const file = `images/${String(index + 1).padStart(4, '0')}.dcm`;
      const pixels = store(render(candidate), hospital.storage);
      // Synchronous, since thousands of small asynchronous writes cost as much as making the images.
      writeFileSync(join(out, file), encodeInstance(candidate, hospital, siteName, pixels, seed));
      lines.push(`${file},${patientId(candidate)},${CLASSES[candidate.label]},${candidate.split}`);
    }
    await writeFile(`${labels}.part`, `${lines.join('\n')}\n`);
    await rename(`${labels}.part`, labels);
  } catch (error) {
    throw folderFault(error);
  }
  return { examples: lines.length - 1 };
}

function folderFault(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new Fault('DISK_FULL', {}, error);
  return code === undefined ? error : new Fault('DATA_UNREADABLE', { expected: 'a folder that can be written' }, error);
}
