import { writeBundle } from '../bundle/folder.js';
import { openEvidence } from '../evidence.js';
import { listEntriesOf } from '../listing.js';
import { writeOutput } from '../output.js';
import { toCsv } from '../report/csv.js';
import { toFhir } from '../report/fhir.js';
import type { ExitCode, Terminal } from '../terminal.js';

export interface ExportOptions {
  readonly format: 'csv' | 'fhir' | 'bundle';
  readonly out: string;
  readonly json?: boolean;
}

/** Writes the evidence in another form. Only the bundle can be verified; the others are for people and repositories. */
export async function exportEvidence(
  evidence: string,
  { format, out, json }: ExportOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const bundle = await openEvidence(evidence);
  const entries = await listEntriesOf(bundle);
  if (format === 'bundle') await writeBundle(bundle, out);
  else
    await writeOutput(out, format === 'csv' ? toCsv(entries) : `${JSON.stringify(toFhir(entries))}\n`, { fresh: true });
  if (json) terminal.out(JSON.stringify({ format, entries: entries.length }));
  else terminal.out(`Exported ${entries.length} entries.`);
  return 0;
}
