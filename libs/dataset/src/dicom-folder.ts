import { Fault } from '@consilium/stdx';
import { Collector } from './collector.js';
import type { DataFolder } from './data-folder.js';
import { greyOf } from './dicom/grey.js';
import { readDicomImage } from './dicom/image.js';
import { parseLabels } from './labels.js';
import type { ImageSpec, SiteData, SplitName } from './site-data.js';

export const LABELS_FILE = 'labels.csv';
const LABELS_BYTES_MAX = 64 * 2 ** 20;
const IMAGE_BYTES_MAX = 256 * 2 ** 20;

/** Reads a folder of DICOM files that labels.csv lists; a Fault about a file names its row and nothing else of it. */
export async function loadDicomFolder(folder: DataFolder, spec: ImageSpec): Promise<SiteData> {
  const rows = parseLabels(await folder.read(LABELS_FILE, LABELS_BYTES_MAX), spec.classes);
  const count = (split: SplitName): number => rows.filter((row) => row.split === split).length;
  const collector = new Collector(spec, { train: count('train'), test: count('test') });
  for (const { row, file, ...sample } of rows) {
    try {
      const bytes = await folder.read(file, IMAGE_BYTES_MAX);
      collector.add(sample, greyOf(readDicomImage(bytes)), bytes);
    } catch (error) {
      throw error instanceof Fault ? new Fault(error.code, { row, ...error.facts }) : error;
    }
  }
  return collector.finish('dicom');
}
