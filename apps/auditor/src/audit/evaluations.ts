import type { Dossier } from './dossier.js';
import { hasLostEntries } from './history.js';
import { recordsOf } from './recorded.js';

/** Each evaluation that the coordinator counted left its site: the site's log has the message, logged before it went. */
export function auditEvaluations({ coordinator, sites, findings }: Dossier): void {
  for (const { ref, run, site } of recordsOf(coordinator.records, 'evaluation.received')) {
    const log = sites.get(site);
    if (!log || hasLostEntries(log)) continue; // a finding says already that the log is missing, or entries of it
    const sent = recordsOf(log.records, 'egress.sent').some(
      (entry) => entry.message === 'evaluation' && entry.run === run,
    );
    if (!sent) findings.add('EVALUATION_NOT_SENT', ref, `an evaluation of ${run} sent by ${site}`, 'none in its log');
  }
}
