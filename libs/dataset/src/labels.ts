import { Fault } from '@consilium/stdx';
import { parseCsv } from './csv.js';

export type SplitName = 'train' | 'test';

/** One row of labels.csv. */
export interface LabelledFile {
  /** As a spreadsheet counts: the header is row 1. The only thing that Faults say about a sample. */
  readonly row: number;
  readonly file: string;
  readonly patient: string;
  readonly label: 0 | 1;
  readonly split: SplitName;
}

const COLUMNS = ['file', 'patient', 'label', 'split'] as const;
const LIMITS = { rowsMax: 200_001, fieldsMax: COLUMNS.length, fieldLengthMax: 1024 };

/**
 * Reads labels.csv: the four columns in any order, each file once, each patient in one split only, so that no test
 * image shows a patient who was trained on.
 *
 * Faults, all with `row`: DATA_LABELS_INVALID, DATA_LABEL_UNKNOWN, DATA_PATIENT_IN_TWO_SPLITS; DATA_EMPTY without rows.
 */
export function parseLabels(csv: Uint8Array, classes: readonly [string, string]): readonly LabelledFile[] {
  const [header, ...records] = parseCsv(csv, LIMITS);
  const places = COLUMNS.map((column) => header?.indexOf(column) ?? -1);
  if (header?.length !== COLUMNS.length || places.includes(-1)) {
    throw new Fault('DATA_LABELS_INVALID', { row: 1, expected: `the columns ${COLUMNS.join(', ')}` });
  }
  const files = new Set<string>();
  const splits = new Map<string, { row: number; split: SplitName }>();
  const rows = records.map((record, index): LabelledFile => {
    const row = index + 2;
    if (record.length !== COLUMNS.length)
      throw new Fault('DATA_LABELS_INVALID', { row, expected: `${COLUMNS.length} fields` });
    const [file, patient, name, split] = places.map((place) => record[place]!) as [string, string, string, string];
    if (file === '' || patient === '')
      throw new Fault('DATA_LABELS_INVALID', { row, expected: 'a file and a patient' });
    if (files.has(file)) throw new Fault('DATA_LABELS_INVALID', { row, expected: 'each file once' });
    files.add(file);
    if (split !== 'train' && split !== 'test')
      throw new Fault('DATA_LABELS_INVALID', { row, expected: 'train or test as split' });
    const label = classes.indexOf(name);
    if (label === -1) throw new Fault('DATA_LABEL_UNKNOWN', { row });
    const earlier = splits.get(patient);
    if (earlier && earlier.split !== split)
      throw new Fault('DATA_PATIENT_IN_TWO_SPLITS', { row, otherRow: earlier.row });
    if (!earlier) splits.set(patient, { row, split });
    return { row, file, patient, label: label as 0 | 1, split };
  });
  if (rows.length === 0) throw new Fault('DATA_EMPTY', { expected: 'rows in labels.csv' });
  return rows;
}
