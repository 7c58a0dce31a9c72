import type { Dossier } from './dossier.js';
import { recordsOf } from './recorded.js';

/**
 * What the programs themselves found suspicious. It is no finding of this audit, which judges the same matters by its
 * own means, but whoever reads the report should ask what became of it.
 */
export function noteAlerts({ coordinator, sites, notes }: Dossier): void {
  for (const { ref, kind, site } of recordsOf(coordinator.records, 'alert'))
    notes.push(`${ref}: the coordinator raised an alert, ${kind}${site ? `, about ${site}` : ''}`);
  for (const [site, { records }] of sites) {
    for (const { ref, kind } of recordsOf(records, 'alert')) notes.push(`${ref}: ${site} raised an alert, ${kind}`);
    for (const { ref, code } of recordsOf(records, 'witness.refused'))
      notes.push(`${ref}: ${site} refused to cosign, ${code}`);
  }
}
