import { Fault } from '@consilium/stdx';
import { DataFolder } from './data-folder.js';
import { LABELS_FILE, loadDicomFolder } from './dicom-folder.js';
import { loadMedMnist } from './medmnist.js';
import type { ImageSpec, SiteData, SplitName } from './site-data.js';

/**
 * Reads a site's data folder as the plan wants it: DICOM files with a labels.csv, or exactly one MedMNIST `.npz`.
 * `needs` names the splits that may not be empty; a folder that is only measured on needs no training split.
 *
 * Guarantee: a Fault tells row numbers, counts and DICOM keywords, never a path, a patient or a library's words.
 * Memory: the resulting float32 images (2 GiB at most) and one file. One class alone is no fault: its metrics are undefined.
 *
 * Faults: DATA_UNREADABLE, DATA_EMPTY, DATA_TOO_LARGE, DATA_LABELS_INVALID, DATA_LABEL_UNKNOWN, DATA_PATH_REFUSED,
 * DATA_PATIENT_IN_TWO_SPLITS, DATA_NOT_AN_IMAGE, DATA_TRANSFER_SYNTAX_UNSUPPORTED.
 */
export async function loadSiteData(
  folder: string,
  spec: ImageSpec,
  needs: readonly SplitName[] = ['test'],
): Promise<SiteData> {
  const data = await read(await DataFolder.open(folder), spec);
  for (const split of needs) if (data[split].count === 0) throw new Fault('DATA_EMPTY', { split });
  return data;
}

async function read(folder: DataFolder, spec: ImageSpec): Promise<SiteData> {
  const names = await folder.names();
  const archives = names.filter((name) => name.endsWith('.npz'));
  if (names.includes(LABELS_FILE)) return loadDicomFolder(folder, spec);
  if (archives.length === 1) return loadMedMnist(folder, archives[0]!, spec);
  if (archives.length > 1)
    throw new Fault('DATA_UNREADABLE', { npzFiles: archives.length, expected: 'exactly one .npz file' });
  throw new Fault('DATA_EMPTY', { expected: `${LABELS_FILE} or one .npz file` });
}
