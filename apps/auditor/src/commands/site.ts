import { Fault } from '@consilium/stdx';
import { auditFolder, openEvidence } from '../evidence.js';
import { listEntriesOf } from '../listing.js';
import { columns, short } from '../report/columns.js';
import { findingLines } from '../report/text.js';
import type { ExitCode, Terminal } from '../terminal.js';

export interface SiteOptions {
  readonly policy?: string;
  readonly json?: boolean;
}

/** One line of what left: a message, or the sum of those that carry nothing of the site's data. */
interface Sent {
  readonly index: number;
  readonly at: number;
  readonly message: string;
  readonly messages: number;
  readonly bytes: number;
  readonly sha256: string | null;
  readonly run: string | null;
  readonly round: number | null;
  readonly attempt: number | null;
}

/** Everything that one site says it sent, message by message, with a sum; and what was found about this site. */
export async function showSite(
  name: string,
  evidence: string,
  options: SiteOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const listed = await listEntriesOf(await openEvidence(evidence), { site: name });
  const own = listed.filter(({ origin }) => origin.includes(`/site/${name}/`));
  if (own.length === 0) throw new Fault('NOT_FOUND', { what: 'a log of this site' });
  const sent = own.flatMap(({ entry, index }): Sent[] => {
    if (entry.type === 'egress.sent') {
      const { at, message, bytes, sha256, run, round, attempt } = entry;
      return [
        {
          index,
          at,
          message,
          messages: 1,
          bytes,
          sha256,
          run: run ?? null,
          round: round ?? null,
          attempt: attempt ?? null,
        },
      ];
    }
    if (entry.type !== 'egress.summed') return [];
    const { at, kind, messages, bytes } = entry;
    return [
      { index, at, message: `${kind} (summed)`, messages, bytes, sha256: null, run: null, round: null, attempt: null },
    ];
  });
  const bytes = sent.reduce((sum, one) => sum + one.bytes, 0);
  const { findings } = options.policy === undefined ? { findings: [] } : await auditFolder(evidence, options.policy);
  const about = findings.filter(
    (one) => one.entry?.includes(`/site/${name}/`) || `${one.expected} ${one.found}`.includes(name),
  );
  if (options.json)
    terminal.out(JSON.stringify({ site: name, verified: options.policy !== undefined, bytes, sent, findings: about }));
  else {
    const rows = sent.map((one) => [
      one.index,
      new Date(one.at).toISOString(),
      one.message,
      one.bytes,
      short(one.sha256),
      one.run ?? '',
      one.round === null ? '' : `round ${one.round}.${one.attempt}`,
    ]);
    columns(rows).forEach((line) => terminal.out(line));
    terminal.out(`${name} sent ${sent.length} entries of messages, ${bytes} bytes in all.`);
    about.flatMap(findingLines).forEach((line) => terminal.out(line));
  }
  return about.length === 0 ? 0 : 1;
}
